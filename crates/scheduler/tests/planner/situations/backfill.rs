//! Backfill.

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
