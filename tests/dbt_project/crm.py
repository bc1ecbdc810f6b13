"""Raw tables of a CRM: objects, a pipeline with its stages, people, a team, activities."""

OBJECTS = """
create table kizen.custom_objects as select * from (values
    ('o1', 'companies_company', 'Companies', 'standard'),
    ('o2', 'client_client', 'Contacts', 'standard'),
    ('o3', 'grants', 'Subventions', 'pipeline'),
    ('o4', 'never_loaded', 'Never loaded', 'pipeline')
) as rows (id, name, object_name, object_type)
"""
FIELDS = """
create table kizen.custom_object_fields as select * from (values
    ('f1', 'o3', 'budget', 'money', null::json),
    ('f2', 'o3', 'beneficiary', 'relationship', '{"related_object": "o1"}'::json),
    ('f3', 'o3', 'referee', 'relationship', '{"related_object": "o2"}'::json)
) as rows (id, object_id, name, field_type, relation)
"""
STAGES = """
create table kizen.pipeline_stages as select * from (values
    ('s1', 'o3', 'Déposé',
        '{"status": "open", "order": 0, "percentage_chance_to_close": 20}'),
    ('s2', 'o3', 'Refusé', '{"status": "lost", "order": 1}'),
    ('s3', 'o9', 'Refusé', '{"status": "open", "order": 7}')
) as rows (id, object_id, name, additional_fields)
"""
GRANTS = """
create table kizen.grants as select * from (values
    ('d1', 'Toit', 's1', 'Déposé', 1200.5::double, 'EUR', 'elan', null, 'm1', null::timestamptz),
    ('d2', 'Bus', 's2', null, 80::double, 'CHF', null, 'p1', null, null),
    ('d3', 'Gone', 's1', 'Déposé', 5::double, 'EUR', 'elan', null, null, '2026-01-01'),
    ('d4', 'Ski', 'another key', 'Refusé', 7::double, 'EUR', 'elan', null, null, null)
) as rows (id, name, stage_id, stage_name, budget_amount, budget_currency, beneficiary_id,
    referee_id, owner_id, _sdc_deleted_at)
"""
PEOPLE = """
create table kizen.client_client as select
    'p1' as id, 'Zoé' as first_name, 'Müller' as last_name, 'zoe@elan.fr' as email,
    '06 11 22 33 44' as mobile_phone, date '1980-12-31' as birthday, 'elan' as company_primary_id,
    'Élan' as company_primary_name, '[{"id": "c2", "name": "Nord"}]'::json as company_additional
"""
OLD_PEOPLE = """
create table kizen.clients as select
    'q1' as id, 'Max' as first_name, 'Roy' as last_name, 'max@roy.fr' as email,
    '{"company": {"id": "elan", "name": "Élan"}}'::json as additional_fields
"""
COMPANIES = "create table kizen.companies as select 'elan' as id, 'Élan' as name"
TEAM = "create table kizen.team as select 'm1' as id, 'Ida' as first_name, 'Sø' as last_name"
ACTIVITIES = """
create table kizen.activity_types as select 't1' as id, 'Appel' as name;
create table kizen.logged_activities as select
    'a1' as id, 't1' as activity_type_id, timestamptz '2026-02-01 10:00:00+00' as logged_at,
    '{"client": {"id": "p1"}, "logged_by": {"id": "m1"}, "note": "rappeler"}'::json
        as additional_fields;
create table kizen.scheduled_activities as select * from (values
    ('a2', timestamptz '2026-03-01 10:00:00+00', null,
        '{"activity": {"id": "t9", "name": "Visite"}, "company": {"id": "elan"}}'::json),
    ('a3', '2026-03-02 10:00:00+00', timestamptz '2026-03-03 10:00:00+00', null)
) as rows (id, due_datetime, completed_at, additional_fields)
"""
