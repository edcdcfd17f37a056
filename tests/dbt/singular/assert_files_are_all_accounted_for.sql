-- If this fails, a file of the manifest is neither to be uploaded nor listed with a
-- reason, and nobody would miss it.

select files_matched.file_key
from {{ ref('int_files_matched') }} as files_matched
left join {{ ref('mart_files') }} as files
    on files_matched.file_source_key = files.source_key
left join {{ ref('rec_files_to_attach') }} as listed
    on files_matched.file_key = listed.file_key
where files.source_key is null and listed.file_key is null
