//! Guaranteed cards, borrowing and lending inside a cohort.

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
