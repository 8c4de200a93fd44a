//! What every backend must do, whatever it is made of. A backend's own tests call [`run`] with a way to make an empty
//! store; each part of the suite asks for as many as it needs.

mod apart;
mod calls;
mod catalogs;
mod closely;
mod control;
mod days;
mod export;
mod figures;
mod filters;
mod hand;
mod ingest;
mod intents;
mod issues;
mod joined;
mod kit;
mod lists;
mod nameless;
mod people;
mod replay;
mod sessions;
mod signals;
mod ways;
mod wishes;

use std::sync::Arc;

use crate::Store;

/// A part of the suite, named after what it shows.
type Part = fn(&dyn Fn() -> Arc<dyn Store>);

/// Every part.
const PARTS: &[(&str, Part)] = &[
    ("inv_02_every_event_gets_one_outcome", ingest::inv_02_every_event_gets_one_outcome),
    (
        "inv_03_a_repeated_event_changes_only_duplicates",
        ingest::inv_03_a_repeated_event_changes_only_duplicates,
    ),
    ("what_came_since_a_time_is_counted", ingest::what_came_since_a_time_is_counted),
    ("an_event_comes_back_whole", ingest::an_event_comes_back_whole),
    ("what_comes_out_goes_in_again", export::what_comes_out_goes_in_again),
    ("an_export_is_filtered_and_paged", export::an_export_is_filtered_and_paged),
    ("inv_04_the_vendor_table_in_every_order", sessions::inv_04_the_vendor_table_in_every_order),
    ("inv_04_a_late_event_bridges", sessions::inv_04_a_late_event_bridges),
    ("facts_are_backfilled_both_ways", sessions::facts_are_backfilled_both_ways),
    (
        "a_merge_is_one_person_everywhere_and_can_be_undone",
        people::a_merge_is_one_person_everywhere_and_can_be_undone,
    ),
    ("inv_04_merges_in_every_order", people::inv_04_merges_in_every_order),
    ("accounts_are_counted_with_their_people", people::accounts_are_counted_with_their_people),
    ("at_most_five_types_of_groups", people::at_most_five_types_of_groups),
    (
        "inv_05_people_equal_a_recount_of_their_events",
        nameless::inv_05_people_equal_a_recount_of_their_events,
    ),
    (
        "a_session_put_down_late_counts_for_its_person",
        nameless::a_session_put_down_late_counts_for_its_person,
    ),
    ("people_and_accounts_are_filters", people::people_and_accounts_are_filters),
    ("fragments_are_one_session_in_any_order", joined::fragments_are_one_session_in_any_order),
    ("a_joined_session_is_parted_and_joined_again", joined::a_joined_session_is_parted_and_joined_again),
    ("the_anonymous_are_joined_by_evidence_alone", joined::the_anonymous_are_joined_by_evidence_alone),
    (
        "inv_05_a_split_session_is_as_if_it_had_been_two",
        hand::inv_05_a_split_session_is_as_if_it_had_been_two,
    ),
    ("a_cut_holds_for_grouped_sessions_in_any_order", hand::a_cut_holds_for_grouped_sessions_in_any_order),
    ("sessions_are_joined_by_hand_and_parted_again", hand::sessions_are_joined_by_hand_and_parted_again),
    ("a_bridge_keeps_what_was_said_by_hand", hand::a_bridge_keeps_what_was_said_by_hand),
    ("sessions_of_one_handle_know_each_other", hand::sessions_of_one_handle_know_each_other),
    ("a_split_conversation_keeps_its_fragments", hand::a_split_conversation_keeps_its_fragments),
    ("inv_05_every_figure_equals_the_naive_fold", figures::inv_05_every_figure_equals_the_naive_fold),
    ("answers_over_days_follow_what_comes_late", days::answers_over_days_follow_what_comes_late),
    ("rounds_and_tasks_are_one_call", calls::rounds_and_tasks_are_one_call),
    (
        "inv_05_calls_of_several_requests_equal_the_fold",
        calls::inv_05_calls_of_several_requests_equal_the_fold,
    ),
    ("identity_alone_makes_no_session", sessions::identity_alone_makes_no_session),
    ("inv_06_projects_see_only_their_own", control::inv_06_projects_see_only_their_own),
    ("projects_have_names_that_nobody_shares", control::projects_have_names_that_nobody_shares),
    ("tokens_live_until_revoked", control::tokens_live_until_revoked),
    ("sign_in_links_work_once", control::sign_in_links_work_once),
    ("dashboard_sessions_end", control::dashboard_sessions_end),
    ("members_keep_an_owner", control::members_keep_an_owner),
    ("views_are_seen_by_whom_they_are_for", control::views_are_seen_by_whom_they_are_for),
    ("acts_are_noted_in_order", control::acts_are_noted_in_order),
    ("quarantine_is_bounded_and_replayed_once", control::quarantine_is_bounded_and_replayed_once),
    ("counts_add_up_by_reason", control::counts_add_up_by_reason),
    ("a_closed_store_says_so", control::a_closed_store_says_so),
    ("cursors_cover_every_row_once", lists::cursors_cover_every_row_once),
    ("filters_mean_what_they_say", lists::filters_mean_what_they_say),
    ("fields_of_one_kind_are_asked_of_that_kind", lists::fields_of_one_kind_are_asked_of_that_kind),
    ("windows_meet", replay::windows_meet),
    (
        "a_call_is_held_against_what_its_session_was_shown",
        replay::a_call_is_held_against_what_its_session_was_shown,
    ),
    ("filters_look_into_payloads_and_sessions", filters::filters_look_into_payloads_and_sessions),
    ("a_slow_pattern_ends", filters::a_slow_pattern_ends),
    ("full_text_finds_words_and_people", lists::full_text_finds_words_and_people),
    ("intents_are_counted_by_matter", intents::intents_are_counted_by_matter),
    ("inv_05_signals_equal_their_folds", signals::inv_05_signals_equal_their_folds),
    ("warnings_name_what_is_wrong", signals::warnings_name_what_is_wrong),
    ("issues_are_resolved_and_come_back", issues::issues_are_resolved_and_come_back),
    (
        "inv_05_what_is_taken_out_is_as_if_it_had_always_been",
        apart::inv_05_what_is_taken_out_is_as_if_it_had_always_been,
    ),
    ("what_is_taken_out_is_put_back", apart::what_is_taken_out_is_put_back),
    ("a_sort_of_message_is_taken_out_as_a_whole", apart::a_sort_of_message_is_taken_out_as_a_whole),
    ("issues_are_merged_and_split_again", issues::issues_are_merged_and_split_again),
    ("issues_are_given_talked_about_and_taken_back", issues::issues_are_given_talked_about_and_taken_back),
    ("issues_say_why_and_whether_agents_recover", issues::issues_say_why_and_whether_agents_recover),
    ("an_attempt_that_met_two_issues_is_one", issues::an_attempt_that_met_two_issues_is_one),
    ("ways_are_told_apart_and_add_up", ways::ways_are_told_apart_and_add_up),
    ("one_tool_is_told_closely", closely::one_tool_is_told_closely),
    ("things_say_what_they_bring", closely::things_say_what_they_bring),
    ("catalogs_are_compared_and_weighed", catalogs::catalogs_are_compared_and_weighed),
    (
        "a_listing_is_held_against_the_same_weekdays_before",
        catalogs::a_listing_is_held_against_the_same_weekdays_before,
    ),
    ("wishes_keep_what_becomes_of_them", wishes::wishes_keep_what_becomes_of_them),
    ("strange_periods_are_answered", lists::strange_periods_are_answered),
    ("the_live_feed_tells_every_commit", lists::the_live_feed_tells_every_commit),
];

/// Runs the whole suite against stores that `make` opens empty.
pub(crate) fn run(make: &dyn Fn() -> Arc<dyn Store>) {
    for (name, part) in PARTS {
        eprintln!("conformance: {name}");
        part(make);
    }
}
