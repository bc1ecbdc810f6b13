-- What a pair of persons has in common beside the names: a phone number, an employer.
with pairs as (

    select
        contact_number,
        kizen_number
    from {{ ref('int_persons__pairs') }}

),

phones as (

    select * from {{ ref('int_persons__phones') }}

),

employers as (

    select * from {{ ref('int_persons__employers') }}

),

common_phones as (

    select
        pairs.contact_number,
        pairs.kizen_number,
        min(greatest(one.first_name_count, other.first_name_count)) as phone_first_names
    from pairs
    inner join phones as one on pairs.contact_number = one.person_number
    inner join phones as other
        on pairs.kizen_number = other.person_number and one.phone = other.phone
    group by pairs.contact_number, pairs.kizen_number

),

-- A contact that names an organisation and has a domain of another is no contradiction to either.
common_employers as (

    select
        pairs.contact_number,
        pairs.kizen_number,
        max(case when one.employer = other.employer then 1 else 0 end) as common_employers
    from pairs
    inner join employers as one on pairs.contact_number = one.person_number
    inner join employers as other
        on pairs.kizen_number = other.person_number and one.kind = other.kind
    group by pairs.contact_number, pairs.kizen_number

),

both_kinds as (

    select
        contact_number,
        kizen_number,
        phone_first_names,
        cast(null as bigint) as common_employers
    from common_phones

    union all

    select
        contact_number,
        kizen_number,
        cast(null as bigint) as phone_first_names,
        common_employers
    from common_employers

)

select
    contact_number,
    kizen_number,
    max(phone_first_names) as phone_first_names,
    max(common_employers) as common_employers
from both_kinds
group by contact_number, kizen_number
