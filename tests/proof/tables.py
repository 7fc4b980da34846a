"""The tables of the proof: threats and outages, each with the tests that hold it.

A test is named as pytest names it, without parameters. A name that no longer exists fails the
build (tests/architecture/test_proof.py).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str
    said: str
    tests: tuple[str, ...]
    note: str = ""


FAULT = "faults/test_faults.py::test_the_books_are_true_after"


def fault(name: str) -> str:
    return f"{FAULT}[{name}]"


THREATS = [
    Row("T1", "double spend by parallel redemptions", (
        "loyalty/test_races.py::test_forty_double_spends_have_one_success",
        "loyalty/test_storm.py::test_a_storm_of_twenty_seconds",
        "transactions/test_spending.py::test_twenty_tills_with_one_hold_spend_it_once",
    )),
    Row("T2", "a request of the till replayed, doubled, repeated after a timeout", (
        "core/test_idempotency.py::test_a_repeat_gets_the_first_answer_byte_for_byte",
        "core/test_concurrency.py::test_twenty_twins_of_one_request_have_one_effect_and_one_answer",
        "faults/test_operations.py::test_no_operation_is_lost_or_doubled",
    )),
    Row("T3", "staff accrue to friends or to themselves", (
        "transactions/test_fraud.py::test_a_fraud_leaves_its_flag",
        "transactions/test_fraud.py::test_an_honest_day_raises_nothing",
        "transactions/test_api.py::test_selling_to_oneself_is_refused_and_stays_on_record",
    )),
    Row("T4", "a return after the bonuses were spent", (
        "transactions/test_refunds.py::test_bonuses_that_were_spent_meanwhile_are_owed",
        "loyalty/test_machine.py::test_short_histories_agree_with_the_model",
        "loyalty/test_returns.py::test_any_split_of_a_return_takes_the_same_total",
    )),
    Row("T5", "rounding or stacking exploited", (
        "loyalty/test_offer_rules.py::test_parts_lots_and_total_agree",
        "loyalty/test_offer_rules.py::test_rounding_down_once",
        "coupons/test_rules.py::test_discounts_never_exceed_the_bill",
        "coupons/test_rules.py::test_shares_sum_exactly",
    )),
    Row("T6", "guessing codes of sign-in", (
        "accounts/test_code_limits.py::test_spray_gets_two_hundred_guesses_an_hour",
        "accounts/test_codes.py::test_after_five_wrong_tries_even_the_right_code_is_dead",
    )),
    Row("T7", "SIM swap, a recycled number", (
        "accounts/test_phone_move.py::test_it_waits_72_hours_and_everybody_is_told",
        "accounts/test_phone_change.py::test_bonuses_are_frozen_for_a_day_and_the_old_number_is_told",
        "accounts/test_new_device.py::"
        "test_a_new_device_holds_five_hundred_and_her_own_what_she_likes",
    )),
    Row("T8", "a stolen refresh token", (
        "accounts/test_sessions.py::test_after_the_grace_a_second_use_closes_the_session",
        "accounts/test_sessions.py::test_the_owner_is_told_of_a_reuse_and_the_audit_knows",
        "accounts/test_sessions_api.py::test_forty_parallel_thieves_close_the_session",
    )),
    Row("T9", "SMS pumping", (
        "accounts/test_code_limits.py::test_cap_of_roubles_holds_against_many_addresses",
    )),
    Row("T10", "enumeration by phone", (
        "accounts/test_enumeration.py::test_known_and_unknown_numbers_take_the_same_time",
        "accounts/test_enumeration.py::test_blocked_numbers_take_the_same_time",
        "backoffice/test_till.py::test_guessing_numbers_is_stopped",
    )),
    Row("T11", "an object of another business by its id", (
        "architecture/test_matrix.py::test_api_answers_as_the_table_says",
        "architecture/test_matrix.py::test_pages_open_as_the_table_says",
        "core/test_envelope.py::test_what_belongs_to_another_tenant_does_not_exist",
    )),
    Row("T12", "mass assignment", (
        "core/test_envelope.py::test_unknown_fields_are_refused_by_name_at_every_depth",
        "accounts/test_profile.py::test_nobody_raises_herself_by_a_field",
    )),
    Row("T13", "escalation by admin forms, import, API", (
        "accounts/test_escalation.py::test_attempt_is_refused_and_changes_nothing",
        "accounts/test_escalation.py::test_there_are_forty",
    )),
    Row("T14", "own weight, a duplicate, a ring of votes", (
        "events/test_proposals.py::test_vote_is_changed_by_another_row_and_a_double_tap_is_nothing",
        "events/test_races.py::test_threshold_crossed_by_many_at_once_is_crossed_once",
        "events/test_rings.py::test_honest_votes_raise_nothing",
    )),
    Row("T15", "seats oversold, promotion races", (
        "events/test_races.py::test_500_people_for_1_seat_in_the_same_second",
        "events/test_races.py::test_1500_answers_at_the_deadline_against_the_sweep",
    )),
    Row("T16", "a screenshot of the card", (
        "accounts/test_cards.py::test_same_code_at_two_tills_works_at_one",
        "accounts/test_cards.py::test_used_code_takes_older_screenshots_with_it",
        "transactions/test_spending.py::test_her_shown_card_pays_for_one_sale",
    )),
    Row("T17", "a copied ticket", (
        "events/test_door.py::test_second_scan_says_when_the_first_was",
        "events/test_door.py::test_every_changed_sign_breaks_a_ticket",
        "events/test_door.py::test_phone_offline_3_days_with_400_queued_scans",
    )),
    Row("T18", "a forged webhook", (
        "crm/test_webhooks.py::test_ten_thousand_mutated_calls_are_refused",
        "notifications/test_callbacks.py::test_ten_thousand_mutations_of_a_signed_body_are_refused",
        "crm/test_webhooks.py::test_unsigned_call_only_wakes_the_poller",
    )),
    Row("T19", "calls replayed and reordered", (
        "crm/test_webhooks.py::test_replayed_shuffled_and_lost_calls_change_nothing",
        "crm/test_sync.py::test_edits_deletions_and_returns_in_any_order_of_polls",
    )),
    Row("T20", "a CRM address that leads inside", (
        "crm/test_guard.py::test_a_thousand_addresses_lead_nowhere_inside",
        "crm/test_guard.py::test_rebinding_gains_nothing",
    )),
    Row("T21", "poisoned data of a CRM", (
        "crm/test_sync.py::test_nonsense_is_put_aside_and_the_rest_is_applied",
        "crm/test_sync.py::test_too_many_vanished_at_once_are_not_believed",
    )),
    Row("T22", "scripts in names, proposals, notes", (
        "backoffice/test_pages.py::test_policy_is_strict",
        "backoffice/test_pages.py::test_template_keeps_to_the_policy",
        "notifications/test_sending.py::test_markup_in_a_value_stays_text",
    )),
    Row("T23", "CSRF, clickjacking, a stolen session", (
        "accounts/test_web_sessions.py::test_stolen_cookie_opens_nothing_in_another_browser",
        "accounts/test_web_sessions.py::test_cookies_of_production_are_bound_to_the_host",
        "backoffice/test_pages.py::test_policy_is_strict",
        "backoffice/test_signin.py::test_sign_out_is_a_post",
    )),
    Row("T24", "image bombs, scripts in SVG, formulas in CSV", (
        "analytics/test_dashboards.py::test_a_cell_is_never_a_formula",
        "backoffice/test_owner_settings.py::"
        "test_photos_are_cleaned_put_in_order_and_seen_by_anybody",
    )),
    Row("T25", "format strings in texts that admins edit", (
        "notifications/test_sending.py::test_whatever_else_stands_in_braces_is_inert",
    )),
    Row("T26", "an insider covers his tracks", (
        "core/test_audit_chain.py::test_a_changed_field_is_found",
        "core/test_audit_chain.py::test_a_deleted_row_is_found",
        "core/test_audit_chain.py::test_a_row_put_into_a_gap_is_found",
        "core/test_audit_chain.py::test_two_swapped_rows_are_found",
        "core/test_audit_chain.py::test_a_cut_tail_is_found",
        "core/test_audit_chain.py::test_all_reckoned_anew_is_found_by_the_anchor",
    )),
    Row("T27", "secrets in code, logs, exports", (
        "core/test_logging.py::test_a_whole_day_at_the_till_leaves_nothing_personal",
        "core/test_logging.py::test_every_way_to_a_line_is_masked",
        "core/test_metrics.py::test_no_person_leaves_with_an_error",
    ), "The code itself is read by `make audit`."),
    Row("T28", "visits to a clinic reveal a diagnosis", (
        "transactions/test_services.py::test_a_clinic_keeps_no_lines_of_the_receipt",
        "notifications/test_facts.py::test_words_of_clinics_stay_inside",
        "crosspromo/test_conversions.py::test_clinics_stand_in_no_owners_matrix",
        "crosspromo/test_api.py::test_recommendations_say_why_and_name_no_clinic",
    )),
    Row("T29", "expensive filters, exports, deep pages", (
        "core/test_pagination.py::test_a_page_costs_one_query",
        "core/test_pagination.py::test_a_bad_limit_is_malformed",
        "analytics/test_rfm.py::test_a_long_table_is_written_by_a_worker",
    )),
    Row("T30", "a bad dependency", (
        "architecture/test_proof.py::test_every_requirement_is_locked_with_hashes",
    ), "Known faults of the locked versions: `make audit`."),
    Row("T31", "backups leak, fail, bring the erased back", (
        "core/test_backup.py::test_a_copy_opens_with_its_key_alone",
        "core/test_backup.py::test_a_changed_or_missing_file_is_noticed",
        "core/test_backup.py::test_who_was_erased_after_the_copy_does_not_come_back",
    )),
    Row("T32", "farms of made-up accounts", (
        "loyalty/test_referral.py::test_ten_a_month_for_the_inviter_and_every_friend_gets_hers",
        "loyalty/test_referral.py::test_a_device_that_was_here_before_is_never_rewarded",
        "loyalty/test_referral.py::test_a_number_that_joins_again_is_never_rewarded",
    )),
    Row("T33", "figures changed after signing", (
        "loyalty/test_settlement.py::test_the_database_keeps_closed_statements",
    )),
    Row("T34", "personal data to foreign push services", (
        "notifications/test_sending.py::"
        "test_a_push_holds_an_id_and_a_kind_and_nothing_of_hers",
    )),
]  # fmt: skip

DOWN = [
    Row("PostgreSQL", "what writes is refused in words; clients ask again with their keys", (
        "core/test_envelope.py::test_without_the_database_the_service_is_unavailable",
        "core/test_envelope.py::test_the_database_comes_back_by_itself",
        "faults/test_down.py::"
        "test_without_postgresql_it_says_so_and_the_same_request_goes_through_later",
        fault("all of postgres"),
        fault("postgres before commit"),
    )),
    Row("Redis", "sign-in, money and seats go on; bells wait for Beat", (
        "core/test_throttle.py::test_limits_hold_without_redis",
        "core/test_outbox.py::test_without_redis_facts_wait_for_beat",
        "faults/test_down.py::test_without_redis_fewer_than_one_in_two_hundred_fails",
        fault("valkey"),
        fault("valkey with all it held"),
        fault("mute valkey"),
    )),
    Row("Celery workers", "requests go on; facts, pushes and exports wait and are drained", (
        "core/test_outbox.py::test_the_oldest_waiting_row_tells_its_age",
        "core/test_outbox.py::test_a_worker_that_died_leaves_its_work_to_the_next",
        "faults/test_down.py::test_what_waited_for_a_dead_worker_is_drained",
        "core/test_outbox.py::"
        "test_fifty_thousand_facts_of_an_hour_without_workers_are_drained_in_order",
        fault("worker before commit"),
    )),
    Row("ClickHouse", "the last picture with its time; facts are loaded when it is back", (
        "analytics/test_dashboards.py::"
        "test_without_clickhouse_the_last_picture_is_shown_with_its_time",
        "analytics/test_loader.py::test_facts_wait_while_clickhouse_is_down_and_arrive_later",
        fault("analytics engine"),
    )),
    Row("SMS provider", "the second provider, then a call; an alarm when codes do not come back", (
        "core/test_sms.py::"
        "test_the_second_one_takes_over_and_the_first_rests_until_a_minute_is_over",
        "core/test_sms.py::test_a_code_that_nobody_takes_is_read_to_her_digit_by_digit",
        "core/test_sms.py::test_providers_that_all_rest_are_asked_all_the_same",
        "accounts/test_code_limits.py::"
        "test_provider_that_takes_codes_and_delivers_none_is_found_in_a_quarter_of_an_hour",
        "accounts/test_code_limits.py::test_block_of_numbers_that_does_not_answer_pauses",
        "accounts/test_code_limits.py::test_worker_tries_three_times_and_says_so",
        "accounts/test_code_limits.py::test_code_leaves_when_the_broker_is_down",
    )),
    Row("Push", "in-app inbox and the next channel; everything arrives once later", (
        "notifications/test_sending.py::test_ten_minutes_down_then_everything_arrives_once",
        "notifications/test_sending.py::"
        "test_a_push_that_is_down_does_not_become_paid_sms_for_adverts",
    )),
    Row("A CRM", "only its own partner's sync pauses; it goes on from its cursor", (
        "crm/test_sync.py::test_outages_and_broken_answers_lose_nothing",
        "crm/test_sync.py::test_a_few_bytes_a_second_are_silence",
        "crm/test_sync.py::test_five_failures_pause_and_a_wrong_key_stops",
        "crm/test_sync.py::test_failed_page_is_never_an_empty_page",
    )),
    Row("A CRM sends nonsense", "valid rows are applied, bad ones put aside with a reason", (
        "crm/test_sync.py::test_nonsense_is_put_aside_and_the_rest_is_applied",
        "crm/test_owner.py::test_retry_of_all_that_were_put_aside_for_a_reason",
    )),
    Row("Outgoing network", "SMS, CRM and push wait in their queues", (
        "crm/test_sync.py::test_outages_and_broken_answers_lose_nothing",
        "notifications/test_sending.py::test_ten_minutes_down_then_everything_arrives_once",
    )),
    Row("Object storage", "there is none: photos and exports lie in PostgreSQL", (
        "backoffice/test_owner_settings.py::"
        "test_photos_are_cleaned_put_in_order_and_seen_by_anybody",
        "analytics/test_rfm.py::test_a_long_table_is_written_by_a_worker",
    )),
    Row("Disk full", "reads go on, writes fail cleanly; files stop at 90 %", (
        fault("disk full"),
        "analytics/test_exports.py::test_files_wait_while_the_disk_is_nine_tenths_full",
    ), "From 85 % on it is an alert."),
    Row("Clock jump", "cards accept a step either way; deadlines are the database's", (
        "accounts/test_cards.py::test_one_step_of_clock_either_way",
        fault("clock jump"),
    )),
    Row("One web node", "the others serve; it finishes what it began", (
        "faults/test_down.py::test_a_release_node_by_node_fails_no_request",
        fault("web rolled over"),
        fault("all of web"),
    )),
    Row("Anchor store", "everything goes on; an alarm after two hours", (
        "core/test_audit_chain.py::test_a_missing_anchor_file_is_an_alarm",
    )),
    Row("Whole host", "a restore by one command, the erased stay erased", (
        "core/test_backup.py::test_a_restore_never_writes_over_anything",
        "core/test_backup.py::test_who_was_erased_after_the_copy_does_not_come_back",
    )),
]  # fmt: skip

OTHERS = [
    Row("10,000 operations", "kills at random, clients repeat: none lost, none doubled", (
        "faults/test_operations.py::test_no_operation_is_lost_or_doubled",
    )),
    Row("Two releases", "old code on the new schema, new code on the old one", (
        "releases/test_side_by_side.py::test_one_of_them_is_new",
    ), "The old schema is that of the release before: a column that new code reads on it came with a "
        "release earlier (docs/development.md, «A migration»)."),
    Row("Constraints", "each guard of the ledger is missed when it is dropped", (
        "loyalty/test_mutations.py::test_every_guard_has_an_attack",
        "loyalty/test_mutations.py::test_attacks_are_refused_by_their_own_guard_alone",
        "loyalty/test_mutations.py::test_without_a_trigger_the_audit_finds_a_fault",
    )),
    Row("CRM workers", "fifty killed at random moments of a sync", (
        "crm/test_kills.py::test_fifty_workers_killed_at_random_lose_and_double_nothing",
    )),
    Row("Imports", "kill −9 at any point of an import", (
        "transactions/test_compare.py::test_kill_9_at_any_point_loses_and_doubles_nothing",
    )),
]  # fmt: skip

# What these tests found and what was mended: each with the test that would find it again.
FOUND = [
    Row("A long backlog", "each fact of the outbox was looked for among all that waited; an index "
        "of their order finds it now", (
        "core/test_outbox.py::"
        "test_fifty_thousand_facts_of_an_hour_without_workers_are_drained_in_order",
    )),
    Row("A dead connection", "after a restart of PostgreSQL a worker failed a hundred tasks in a "
        "row; each looks at its connection first now", (
        "core/test_concurrency.py::"
        "test_a_task_does_not_begin_on_a_connection_that_postgresql_has_closed",
        fault("all of postgres"),
    )),
    Row("A vanished client", "a node that died without a word kept a wallet locked for two hours; "
        "the database ends such a transaction after 30 s now", (
        fault("stranded transaction"),
    )),
]  # fmt: skip
