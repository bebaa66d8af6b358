//! Gangs, wiring and places.

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
