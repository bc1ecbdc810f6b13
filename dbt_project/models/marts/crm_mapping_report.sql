{%- set pipelines = kizen_pipelines(
    source('kizen', 'custom_objects'), source('kizen', 'custom_object_fields')
) -%}
{%- set fixed = [
    (source('kizen', 'client_client'), var('kizen_contact_columns')),
    (source('kizen', 'clients'), var('kizen_contact_columns')),
    (source('kizen', 'logged_activities'), var('activity_columns')),
    (source('kizen', 'scheduled_activities'), var('activity_columns')),
] -%}
{%- set tables = [] -%}
{%- for relation, candidates in fixed if raw_columns(relation) -%}
    {%- do tables.append({
        'name': relation.identifier, 'relation': relation, 'columns': raw_columns(relation),
        'candidates': candidates,
    }) -%}
{%- endfor -%}
{%- for pipeline in pipelines -%}
    {%- do tables.append(dict(pipeline, candidates=deal_candidates(pipeline))) -%}
{%- endfor -%}

with report as (

    {{ mapping_reports(tables) }}

)

select * from report
