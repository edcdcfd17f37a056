{# Reward overrides as text that a person can read: one entry per reward. #}
{% macro reward_overrides_text(expression) -%}
    nullif(
        array_to_string(
            list_transform(
                {{ expression }},
                lambda reward: concat_ws(
                    ', ',
                    'discount ' || reward.discountid,
                    reward.points || ' points',
                    'expires ' || coalesce(
                        strftime({{ instant_or_null('reward.expires') }}, '%Y-%m-%d'),
                        nullif(reward.expires, '0')
                    )
                )
            ),
            '; '
        ),
        ''
    )
{%- endmacro %}
