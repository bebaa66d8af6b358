//! What cluster managers promise about quotas, lending, preemption, gangs and backfill, as situations of ours.

use crate::situation::assert_situation;

macro_rules! situations {
    ($($name:ident: $text:literal)*) => { $(#[test] fn $name() { assert_situation($text); })* };
}

// Nominal quota, borrowing and lending inside a cohort.
situations! {
    own_quota_is_there_without_borrowing: "
        nodes 2x8
        queue a g=8 cohort=1
        queue b g=8 cohort=1
        job j a 1x8
        > start j"
    idle_quota_of_the_cohort_is_borrowed: "
        nodes 2x8
        queue a g=8 cohort=1
        queue b g=8 cohort=1
        job j a 2x8
        > start j"
    a_borrowing_limit_of_nothing_keeps_to_the_own_quota: "
        nodes 2x8
        queue a g=8 borrow=0 cohort=1
        queue b g=8 cohort=1
        job j a 1x8 age=9
        job k a 1x8
        > start j
        > wait k max_running_cards"
    borrowing_ends_at_its_limit: "
        nodes 3x8
        queue a g=8 borrow=4 cohort=1
        queue b g=16 cohort=1
        job j a 1x8 age=9
        job k a 1x4 age=8
        job l a 1x1
        > start j k
        > wait l max_running_cards"
    what_is_not_lent_is_kept_for_its_owner: "
        nodes 2x8
        queue a g=8 cohort=1
        queue b g=8 lend=0 cohort=1
        job j a 1x8 age=9
        job k a 1x1
        > start j
        > wait k kept_for_others"
    lending_ends_at_its_limit: "
        nodes 2x8
        queue a g=8 cohort=1
        queue b g=8 lend=3 cohort=1
        job j a 1x8 age=9
        job k a 1x2 age=8
        job l a 1x2 age=7
        job m a 1x1
        > start j k m
        > wait l kept_for_others"
    the_owner_of_what_is_not_lent_starts_at_once: "
        nodes 2x8
        queue a g=8 cohort=1
        queue b g=8 lend=0 cohort=1
        run r a 0:8
        job j b 1x8
        > start j"
    another_cohort_lends_nothing: "
        nodes 2x8
        queue a g=8 cohort=1
        queue b g=8 cohort=2
        job j a 1x8 age=9
        job k a 1x1
        > start j
        > wait k kept_for_others"
    a_cohort_may_lend_to_those_outside: "
        nodes 2x8
        queue a g=8 cohort=1
        queue b g=8 cohort=2
        lends 2 4
        job j a 1x8 age=9
        job k a 1x4 age=8
        job l a 1x1
        > start j k
        > wait l kept_for_others"
    cards_that_nobody_is_guaranteed_are_for_all_cohorts: "
        nodes 3x8
        queue a g=8 cohort=1
        queue b g=8 cohort=2
        job j a 2x8
        > start j"
    queues_without_a_cohort_lend_to_each_other: "
        nodes 2x8
        queue a g=8
        queue b g=8
        job j a 2x8
        > start j"
    a_queue_without_a_quota_borrows: "
        nodes 1x8
        queue a cohort=1
        queue b g=8 cohort=1
        job j a 1x8
        > start j"
    a_pool_of_its_own_is_no_matter_of_the_others: "
        nodes 1x8
        nodes 1x8 pool=1
        queue a g=8 lend=0
        queue b pools=1
        job j b 1x8
        > start j"
    the_largest_number_running_binds_before_any_quota: "
        nodes 2x8
        queue a g=16 max=8
        job j a 1x8 age=9
        job k a 1x1
        > start j
        > wait k max_running_cards"
}

// Getting back what was lent.
situations! {
    the_owner_gets_its_quota_back: "
        nodes 2x8
        queue a g=8 cohort=1
        queue b g=8 cohort=1
        run r a 0:8 since=2
        run s a 1:8 since=1
        job j b 1x8
        > preempt s
        > wait j reclaiming"
    a_small_job_behind_a_large_one_gets_its_quota_back: "
        nodes 1x8 model=x
        nodes 1x8 model=y
        queue a cohort=1
        queue b g=4 cohort=1
        run r a 0:8 since=1
        job j b 1x8 model=x age=9
        job k b 1x4 model=x age=1
        > preempt r
        > wait k reclaiming"
    the_lowest_class_goes_first: "
        nodes 2x8
        queue a g=8 cohort=1
        queue b g=8 cohort=1
        run r a 0:8 spot since=9
        run s a 1:8 since=1
        job j b 1x8
        > preempt r"
    of_equal_class_the_newest_goes_first: "
        nodes 3x8
        queue a g=8 cohort=1
        queue b g=16 cohort=1
        run r a 0:8 since=3
        run s a 1:8 since=1
        run t a 2:8 since=2
        job j b 1x8
        > preempt s"
    no_more_end_than_are_needed: "
        nodes 1x8
        queue a cohort=1
        queue b g=8 cohort=1
        run r a 0:2 since=1
        run s a 0:2 since=2
        run t a 0:4 since=3
        job j b 1x2
        > preempt r"
    what_turns_out_not_to_help_is_let_be: "
        nodes 2x8
        queue a cohort=1
        queue b g=8 cohort=1
        run r a 0:2 since=1
        run s a 0:4 since=3
        run t a 1:8 since=2
        job j b 1x8
        > preempt t"
    who_is_within_its_own_quota_is_safe: "
        nodes 2x8
        queue a g=8 cohort=1
        queue b g=8 cohort=1
        run r a 0:8
        run s b 1:8
        job j b 1x8
        > wait j free_cards"
    who_borrows_itself_gets_nothing_back: "
        nodes 2x8
        queue a g=4 cohort=1
        queue b g=12 cohort=1
        run r b 0:8
        run s b 1:8
        job j a 1x8
        > wait j free_cards"
    nothing_is_taken_where_cards_are_free: "
        nodes 3x8
        queue a g=8 cohort=1
        queue b g=8 cohort=1
        run r a 0:8
        run s a 1:8
        job j b 1x8
        > start j"
    a_gang_gets_as_many_nodes_back_as_it_needs: "
        nodes 4x8
        queue a cohort=1
        queue b g=16 cohort=1
        run r a 0:8 since=4
        run s a 1:8 since=3
        run t a 2:8 since=2
        run u a 3:8 since=1
        job j b 2x8
        > preempt t u"
    a_gang_counts_what_is_free: "
        nodes 3x8
        queue a cohort=1
        queue b g=16 cohort=1
        run r a 0:8 since=2
        run s a 1:8 since=1
        job j b 2x8
        > preempt s"
    a_borrower_is_cut_to_its_quota_and_no_further: "
        nodes 3x8
        queue a g=8 cohort=1
        queue b g=16 cohort=1
        run r a 0:8 since=3
        run s a 1:8 since=2
        run t a 2:8 since=1
        job j b 2x8
        > preempt s t"
    nothing_is_taken_where_it_would_not_do: "
        nodes 2x8
        queue a g=8 cohort=1
        queue b g=8 cohort=1
        queue c cohort=1
        run r a 0:4
        run t c 0:4
        run s b 1:4
        run u a 1:4
        job j c 1x8
        > wait j free_cards"
    members_of_the_own_cohort_give_back_first: "
        nodes 3x8
        queue a cohort=1
        queue b g=8 cohort=1
        queue c
        run r c 0:8 since=1
        run s a 1:8 since=5
        run t c 2:8 since=2
        job j b 1x8
        > preempt s"
    a_policy_may_leave_runs_alone: "
        nodes 1x8
        queue a cohort=1
        queue b g=8 cohort=1
        run r a 0:8
        job j b 1x8
        policy keep
        > wait j free_cards"
    what_is_taken_back_is_not_given_to_others: "
        nodes 2x8
        queue a cohort=1
        queue b g=8 cohort=1
        run r a 0:8 since=2
        run s a 1:4 since=1
        job j b 1x8 age=9
        job k a 1x4 limit=5
        > preempt s
        > wait j reclaiming
        > wait k behind"
}

// Order.
situations! {
    the_higher_class_goes_first_whatever_its_age: "
        nodes 1x8
        queue a
        job j a 1x8 age=60
        job k a 1x8 urgent
        > start k
        > wait j free_cards"
    below_its_guarantee_comes_before_the_least_used: "
        nodes 1x8
        queue a g=8 used=100
        queue b
        job j b 1x8 age=60
        job k a 1x8
        > start k"
    the_least_used_for_its_weight_goes_first: "
        nodes 1x8
        queue a used=6 w=3
        queue b used=4 w=1
        job j b 1x8 age=60
        job k a 1x8
        > start k"
    a_burst_does_not_overtake: "
        nodes 1x8
        queue a
        queue b
        job j a 1x2 age=60 tasks=4
        job k b 1x2 age=1 tasks=4
        > start j k j k"
    in_order_of_age_where_queues_do_not_matter: "
        nodes 1x8
        queue a used=100
        queue b
        job j a 1x8 age=60
        job k b 1x8
        policy fifo
        > start j"
    the_shortest_first: "
        nodes 1x8
        queue a
        job j a 1x8 age=60 limit=9
        job k a 1x8 limit=1
        policy shortest
        > start k"
    a_closed_queue_holds_nobody_up: "
        nodes 1x8
        queue a ended
        queue b
        job j a 1x8 age=60
        job k b 1x8
        > start k
        > wait j contract_closed"
}

// Gangs, wiring, places.
situations! {
    a_gang_starts_whole_or_not: "
        nodes 2x8
        queue a
        run r a 0:1
        job j a 2x8
        > wait j free_cards"
    a_gang_prefers_one_switch: "
        nodes 2x8 switch=a
        nodes 3x8 switch=b
        queue a
        job j a 3x8
        > start j
        > on j 2 3 4"
    a_gang_prefers_one_group_of_switches: "
        nodes 2x8 switch=p/a
        nodes 1x8 switch=p/b
        nodes 2x8 switch=q/c
        nodes 2x8 switch=q/d
        queue a
        job j a 4x8
        > start j
        > on j 3 4 5 6"
    whole_nodes_stay_whole: "
        nodes 2x8
        queue a
        run r a 1:4
        job j a 1x4
        > start j
        > on j 1"
    scattered_cards_are_no_ring: "
        nodes 1x8 rings
        queue a
        run r a 0:2
        job j a 1x4 age=9
        job k a 1x4
        > start j
        > wait k free_cards"
    an_exclusive_job_takes_the_whole_node: "
        nodes 2x8
        queue a
        run r a 0:1
        job j a 1x2 excl age=9
        job k a 1x1
        > start j k
        > on j 1
        > on k 0"
    an_exclusive_job_waits_for_an_idle_node: "
        nodes 1x8
        queue a
        run r a 0:1
        job j a 1x2 excl
        > wait j free_cards"
    an_elastic_gang_takes_what_there_is: "
        nodes 3x8
        queue a
        run r a 0:1
        job j a 1x8 max=4
        > start j
        > on j 1 2"
    an_elastic_gang_keeps_to_its_quota: "
        nodes 4x8
        queue a max=16
        job j a 1x8 max=4
        > start j
        > on j 0 1"
    an_elastic_gang_waits_for_its_least: "
        nodes 2x8
        queue a
        run r a 0:1
        job j a 2x8 max=4
        > wait j free_cards"
    labels_say_which_nodes_do: "
        nodes 1x8
        nodes 1x8 label=ssd,fast
        queue a
        job j a 1x8 label=ssd
        > start j
        > on j 1"
    a_label_that_no_node_has_never_fits: "
        nodes 1x8 label=ssd
        queue a
        job j a 1x8 label=tape
        > wait j never_fits"
    any_of_several_models_will_do: "
        nodes 1x8 model=x
        nodes 1x8 model=y
        queue a
        run r a 0:8
        job j a 1x8 model=x,y
        > start j
        > on j 1"
    a_gang_is_of_one_model: "
        nodes 1x8 model=x
        nodes 1x8 model=y
        queue a
        job j a 2x8
        > wait j never_fits"
    a_drained_node_takes_nothing: "
        nodes 2x8
        node-out 1
        queue a
        job j a 1x8 age=9
        job k a 2x8
        > start j
        > wait k nodes_out"
    nothing_starts_into_maintenance: "
        nodes 1x8 maint=2..4
        queue a
        job j a 1x4 limit=3 age=9
        job k a 1x4 limit=2
        > start k
        > wait j maintenance"
    after_maintenance_all_is_as_before: "
        nodes 1x8 maint=0..0
        queue a
        job j a 1x8 limit=9
        > start j"
}

// Backfill.
situations! {
    short_jobs_start_before_a_promise: "
        nodes 2x8
        queue a
        run r a 0:8 end=2
        job j a 2x8 age=9
        job k a 1x8 limit=2
        > start k"
    long_jobs_do_not_delay_a_promise: "
        nodes 2x8
        queue a
        run r a 0:8 end=2
        job j a 2x8 age=9
        job k a 1x8 limit=3
        > wait j free_cards
        > wait k behind"
    long_jobs_may_have_what_is_not_promised: "
        nodes 3x8
        queue a
        run r a 0:8 end=2
        run s a 1:8 end=9
        job j a 2x8 age=9
        job k a 1x1 limit=9
        > wait j free_cards
        > wait k behind"
    without_backfill_nobody_passes: "
        nodes 2x8
        queue a
        run r a 0:8 end=2
        job j a 2x8 age=9
        job k a 1x1
        policy none
        > wait k behind"
    without_backfill_other_pools_go_on: "
        nodes 1x8
        nodes 1x8 pool=1
        queue a
        queue b pools=1
        run r a 0:8
        job j a 1x8 age=9
        job k b 1x8
        policy none
        > start k"
    easy_promises_one_and_conservative_all: "
        nodes 2x8
        queue a
        run r a 0:8 end=2
        job j a 2x8 age=9
        job k a 2x8 age=8 limit=1
        job l a 1x8 limit=2
        policy conservative
        > start l
        > wait k free_cards"
    a_queue_at_its_limit_keeps_room_for_its_first: "
        nodes 4x8
        queue a max=20
        run r a 0:8 end=1
        run s a 1:4 end=3
        job j a 2x8 age=9
        job k a 1x4 limit=4
        > wait j max_running_cards
        > wait k behind"
}
