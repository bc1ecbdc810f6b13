{#-
    The pipelines of the account, in the order of their names: a list of {name, object_id, label,
    relation, columns, amounts, currencies, company_ids, contact_ids}. `columns` are those of the raw
    table, the others names of columns by the type of their fields: money, and relations to the objects
    of companies and of contacts. A pipeline whose records were never loaded is left out.
-#}
{% macro kizen_pipelines(objects, fields) %}
    {%- if not execute or raw_columns(objects) is none -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set object_columns = raw_columns(objects) -%}
    {%- set field_columns = raw_columns(fields) -%}
    {%- set pipelines = {} -%}
    {%- set query -%}
        with objects as (
            {{ live_rows(objects, object_columns) }}
        ),
        fields as (
            {{ live_rows(fields, field_columns) }}
        ),
        typed_fields as (
            select
                {{ raw_text(field_columns, ['object_id']) }} as object_id,
                {{ raw_text(field_columns, ['name']) }} as field_name,
                {{ raw_text(field_columns, ['field_type']) }} as field_type,
                {{ raw_text(field_columns, ['relation.related_object']) }} as related_id
            from fields
        ),
        named_objects as (
            select
                {{ raw_text(object_columns, ['id']) }} as object_id,
                {{ raw_text(object_columns, ['name']) }} as object_name,
                {{ raw_text(object_columns, ['object_name', 'entity_name', 'name']) }} as label,
                {{ raw_text(object_columns, ['object_type']) }} as object_type
            from objects
        )
        select
            named_objects.object_name as pipeline_name,
            named_objects.object_id,
            named_objects.label,
            typed_fields.field_name,
            typed_fields.field_type,
            related.object_name as related_name
        from named_objects
        left join typed_fields on named_objects.object_id = typed_fields.object_id
        left join named_objects as related on typed_fields.related_id = related.object_id
        where named_objects.object_type = 'pipeline'
        order by pipeline_name, field_name
    {%- endset -%}
    {%- for row in run_query(query).rows -%}
        {%- set name, object_id, label, field, type, related = row.values() -%}
        {%- if name not in pipelines -%}
            {%- do pipelines.update({name: {
                'name': name, 'object_id': object_id, 'label': label, 'amounts': [], 'currencies': [],
                'company_ids': [], 'contact_ids': [],
                'relation': objects.incorporate(path={'identifier': name}),
            }}) -%}
        {%- endif -%}
        {%- set pipeline = pipelines[name] -%}
        {%- if type == 'money' -%}
            {%- do pipeline.amounts.append(field ~ '_amount') -%}
            {%- do pipeline.currencies.append(field ~ '_currency') -%}
        {%- elif type == 'relationship' and related == 'companies_company' -%}
            {%- do pipeline.company_ids.append(field ~ '_id') -%}
        {%- elif type == 'relationship' and related == 'client_client' -%}
            {%- do pipeline.contact_ids.append(field ~ '_id') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set loaded = [] -%}
    {%- for pipeline in pipelines.values() -%}
        {%- set columns = raw_columns(pipeline.relation) -%}
        {%- if columns is not none -%}
            {%- do pipeline.update({'columns': columns}) -%}
            {%- do loaded.append(pipeline) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(loaded) }}
{% endmacro %}


{#-
    What `deal_columns` names, and after it what the types of the pipeline's fields say: candidate columns
    per meaning, as `deal_columns` has them.
-#}
{% macro deal_candidates(pipeline) %}
    {%- set candidates = dict(var('deal_columns')) -%}
    {%- for meaning, found in [
        ('amount', pipeline.amounts), ('currency', pipeline.currencies),
        ('company_id', pipeline.company_ids), ('contact_id', pipeline.contact_ids),
    ] -%}
        {%- do candidates.update({meaning: candidates[meaning] + found}) -%}
    {%- endfor -%}
    {{ return(candidates) }}
{% endmacro %}


{#- The deals of all pipelines, one row each; no row in an account without a pipeline. -#}
{% macro pipeline_deals(pipelines) -%}
    {%- set none_at_all = {
        'name': none, 'object_id': none, 'label': none, 'relation': none, 'columns': none,
        'amounts': [], 'currencies': [], 'company_ids': [], 'contact_ids': [],
    } -%}
    {%- for pipeline in pipelines or [none_at_all] %}
    {%- set columns = pipeline.columns -%}
    {%- set candidates = deal_candidates(pipeline) %}
    select
        {{ raw_text(columns, ['id']) }} as deal_id,
        {{ text_or_null(pipeline.object_id) }} as object_id,
        {{ text_or_null(pipeline.name) }} as pipeline_name,
        {{ text_or_null(pipeline.label) }} as pipeline_label,
        {{ raw_text(columns, candidates.deal_name) }} as deal_name,
        {{ raw_text(columns, candidates.stage_id) }} as stage_id,
        {{ raw_text(columns, candidates.stage_name) }} as stage_name,
        {{ raw_number(columns, candidates.amount) }} as amount,
        {{ raw_text(columns, candidates.currency) }} as currency,
        {{ raw_text(columns, candidates.owner_id) }} as owner_id,
        {{ raw_text(columns, candidates.owner_name) }} as owner_name,
        {{ raw_text(columns, candidates.company_id) }} as company_id,
        {{ raw_text(columns, candidates.contact_id) }} as kizen_contact_id,
        {{ raw_timestamp(columns, candidates.created_at) }} as created_at,
        {{ raw_timestamp(columns, candidates.updated_at) }} as updated_at,
        {{ raw_timestamp(columns, candidates.closed_at) }} as closed_at
    from ({{ live_rows(pipeline.relation, columns) }}) as records
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}


{#- The columns of an activity, from the raw table of those that were logged or that are planned. -#}
{% macro activity_columns(columns) -%}
    {%- set candidates = var('activity_columns') -%}
    {{ raw_text(columns, ['id']) }} as activity_id,
    {{ raw_text(columns, candidates.activity_type_id) }} as activity_type_id,
    {{ raw_text(columns, candidates.activity_type) }} as activity_type,
    {{ raw_text(columns, candidates.company_id) }} as company_id,
    {{ raw_text(columns, candidates.contact_id) }} as kizen_contact_id,
    {{ raw_text(columns, candidates.member_id) }} as member_id,
    {{ raw_text(columns, candidates.note) }} as note,
    {{ raw_timestamp(columns, ['created', 'additional_fields.created']) }} as created_at,
    {{ raw_timestamp(columns, ['logged_at']) }} as logged_at,
    {{ raw_timestamp(columns, ['due_datetime']) }} as due_at,
    {{ raw_timestamp(columns, ['completed_at']) }} as completed_at
{%- endmacro %}


{#- The name of a person: the whole one, or first and last name. -#}
{% macro person_name(people) -%}
    coalesce(
        {{ people }}.full_name,
        nullif(
            trim(
                coalesce({{ people }}.first_name, '') || ' ' || coalesce({{ people }}.last_name, '')
            ),
            ''
        )
    )
{%- endmacro %}
