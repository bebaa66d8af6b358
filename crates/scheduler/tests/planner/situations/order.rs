//! The order of jobs.

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
