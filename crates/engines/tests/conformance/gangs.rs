//! Runs on several nodes.

use domain::Millis;
use engines::Exit;

use testkit::engine::{UnderTest as _, wait_gone};

use super::{Case, rig::Rig};

pub const CASES: &[Case] = &[
    ("a gang of two knows its ranks and meets", meet_two),
    ("a gang of four knows its ranks and meets", meet_four),
    ("a gang whose ranks are not in the order of names", order),
    ("a gang of which one fails", one_fails),
    ("a gang of which one is killed", one_is_killed),
    ("a gang that reaches its time limit", time_limit),
    ("a gang is stopped", stop),
    ("a gang that can't start", interpreter),
    ("a gang has cards on each node", cards),
];

const MEET: &str = "#!/usr/bin/python3
import os, socket
rank, size = int(os.environ['RANK']), int(os.environ['WORLD_SIZE'])
where = (os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT']))
if rank == 0:
    server = socket.create_server(where)
    peers = [server.accept()[0] for _ in range(size - 1)]
    total = sum(int(peer.makefile().readline()) for peer in peers)
    print('total', total, os.environ['QIANTANG_NODES'], os.environ['SLURM_NNODES'], flush=True)
else:
    while True:
        try:
            peer = socket.create_connection(where)
            break
        except ConnectionRefusedError:
            pass
    peer.sendall(b'%d\\n' % (10 ** rank))
";

fn meet_two(rig: &mut Rig) {
    assert_eq!(rig.output(&rig.gang(2, 1, MEET)), "total 10 npu1,npu2 2\n");
}

fn meet_four(rig: &mut Rig) {
    assert_eq!(rig.output(&rig.gang(4, 1, MEET)), "total 1110 npu1,npu2,npu3,npu4 4\n");
}

fn order(rig: &mut Rig) {
    let mut spec = rig.spec(
        "#!/bin/sh\necho $RANK $QIANTANG_NODE_NAME $QIANTANG_NODE_RANK $SLURM_PROCID > $QIANTANG_NODE_NAME\n",
    );
    spec.nodes = ["npu3", "npu1", "npu2"].map(|name| rig.node(name, 0)).to_vec();
    rig.output(&spec);
    for (rank, name) in ["npu3", "npu1", "npu2"].iter().enumerate() {
        let said = std::fs::read_to_string(rig.work_folder(&spec).join(name)).unwrap();
        assert_eq!(said, format!("{rank} {name} {rank} {rank}\n"));
    }
}

fn one_fails(rig: &mut Rig) {
    let spec = rig.gang(3, 0, "#!/bin/sh\n[ $RANK = 1 ] && exit 5\nsleep 600\n");
    assert_eq!(rig.run(&spec), Exit::Code(5));
}

fn one_is_killed(rig: &mut Rig) {
    let spec = rig.gang(2, 0, "#!/bin/sh\n[ $RANK = 1 ] && kill -KILL $$\nsleep 600\n");
    assert_eq!(rig.run(&spec), Exit::Signal(9));
}

fn time_limit(rig: &mut Rig) {
    let mut spec = rig.gang(2, 0, "#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done\n");
    spec.time_limit = Millis(1500);
    assert_eq!(rig.run(&spec), Exit::TimedOut);
}

fn stop(rig: &mut Rig) {
    let spec = rig.gang(2, 1, "#!/bin/sh\necho pid$RANK $$\nsleep 600\n");
    rig.launch(&spec);
    let pids: Vec<i32> =
        ["pid0 ", "pid1 "].iter().map(|start| rig.wait_line(spec.run, start).parse().unwrap()).collect();
    rig.wait_started(spec.run);
    rig.engine().stop(spec.run).unwrap();
    let how = rig.wait_end(spec.run).how;
    assert!(matches!(how, Exit::Stopped { .. }), "{how:?}");
    pids.into_iter().for_each(wait_gone);
}

fn interpreter(rig: &mut Rig) {
    let how = rig.run(&rig.gang(2, 0, "#!/usr/bin/pytohn3\n"));
    assert!(
        matches!(&how, Exit::FailedToStart(why) if why.text(domain::Lang::En).contains("no such file")),
        "{how:?}"
    );
}

fn cards(rig: &mut Rig) {
    let spec = rig.gang(2, 4, "#!/bin/sh\necho $ASCEND_VISIBLE_DEVICES $RANK_ID $RANK_SIZE > $RANK\n");
    rig.output(&spec);
    let said = |rank: u8| std::fs::read_to_string(rig.work_folder(&spec).join(rank.to_string())).unwrap();
    assert_eq!((said(0), said(1)), ("0,1,2,3 0 8\n".into(), "0,1,2,3 4 8\n".into()));
}
