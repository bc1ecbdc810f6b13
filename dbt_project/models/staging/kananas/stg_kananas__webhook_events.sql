{%- set columns = raw_columns(source('kananas', 'webhook_events')) -%}

with source as (

    {{ live_rows(source('kananas', 'webhook_events'), columns) }}

),

events as (

    select
        {{ raw_as_is(columns, 'sequence', 'bigint') }} as event_sequence,
        {{ raw_as_is(columns, 'received_at', 'timestamp with time zone') }} as received_at,
        {{ raw_as_is(columns, 'content_type', 'varchar') }} as content_type,
        {{ raw_as_is(columns, 'query', 'json') }} as query_fields,
        {{ raw_as_is(columns, 'payload', 'json') }} as payload,
        {{ raw_as_is(columns, 'body', 'varchar') }} as body,
        {{ raw_as_is(columns, 'body_base64', 'varchar') }} as body_base64,
        {{ raw_as_is(columns, 'body_sha256', 'varchar') }} as body_sha256
    from source

)

select
    event_sequence,
    received_at,
    {{ first_json_text('payload', var('webhook_types')) }} as payload_type,
    {{ first_json_text('payload', var('webhook_ids')) }} as payload_id,
    {{ json_object_keys('payload') }} as payload_keys,
    coalesce(
        body_sha256 is not null
        and row_number() over (partition by body_sha256 order by event_sequence) > 1,
        false
    ) as is_repeated,
    content_type,
    query_fields,
    payload,
    body,
    body_base64,
    body_sha256
from events
