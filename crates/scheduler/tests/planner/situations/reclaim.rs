//! Guaranteed cards that were lent come back.

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
