{# Text as it stands, less control and direction characters; line ends and tabs stay. #}
{% macro visible_text(expression) -%}
    regexp_replace(
        {{ expression }},
        '[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\x{00AD}\x{061C}\x{180E}\x{200B}\x{200E}'
        || '\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2064}\x{2066}-\x{2069}\x{FEFF}]',
        '',
        'g'
    )
{%- endmacro %}
