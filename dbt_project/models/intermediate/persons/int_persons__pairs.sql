-- All pairs of persons that are compared: a contact and a person of the CRM, or two of one system.
{{ config(materialized='view') }}

select
    contact_number,
    kizen_number
from {{ ref('int_persons__candidates') }}

union all

select
    contact_number,
    kizen_number
from {{ ref('int_duplicates__person_candidates') }}
