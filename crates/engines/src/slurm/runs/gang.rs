//! The end of a gang, by the word of its own processes.

use crate::{observation::Exit, slurm::client::job::JobRecord};

/// How far the processes of a gang came before they were told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GangProgress {
    pub processes: usize,
    pub began: usize,
    pub ended: usize,
    /// The exit code of the first process that failed.
    pub failure: Option<i32>,
}

impl GangProgress {
    /// The end of the gang by the word of its own processes: the first failure, or the end of them all.
    /// `None` where some of them had not ended and none had failed.
    pub(crate) fn end(self) -> Option<Exit> {
        let all_ended = (self.ended == self.processes).then_some(Exit::Code(0));
        self.failure.map(of_shell).or(all_ended)
    }

    /// Whether its processes tell how it ended.
    pub(crate) fn tells_its_end(self) -> bool {
        self.end().is_some()
    }
}

/// The end of a process, by its code in a shell.
fn of_shell(code: i32) -> Exit {
    if code > 128 { Exit::Signal(code - 128) } else { Exit::Code(code) }
}

/// Whether the batch script was ended since it wrote to a pipe that was closed. That says nothing of its processes.
pub(crate) fn is_pipe_broken(job: &JobRecord) -> bool {
    const PIPE: i32 = 13;
    job.signal == PIPE || job.code == 128 + PIPE
}

/// The exit code of the first process that failed by itself, of the code that was `left` by the first that did not end
/// with 0. A process that ended when it was told to leaves its code, but does not count among those that `has_failed` is
/// about. Where the batch script wrote to a pipe that was closed, its processes are told to end, and one that had failed may
/// not have come to be counted: its code is its own, unless it is that of a signal which tells to end.
pub(crate) fn own_failure(left: Option<i32>, has_failed: bool, is_pipe_broken: bool) -> Option<i32> {
    const TOLD_TO_END: [i32; 3] = [128 + 9, 128 + 13, 128 + 15];
    left.filter(|code| has_failed || (is_pipe_broken && !TOLD_TO_END.contains(code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_s_own_end_wins_over_the_pipe_that_the_batch_script_broke() {
        for (left, has_failed, is_pipe_broken, want) in [
            (Some(2), true, false, Some(2)),
            (Some(2), true, true, Some(2)),
            (Some(2), false, true, Some(2)),
            // It was told to end, and so were those that end so of their own accord.
            (Some(2), false, false, None),
            (Some(143), false, true, None),
            (None, false, true, None),
        ] {
            assert_eq!(own_failure(left, has_failed, is_pipe_broken), want, "{left:?}");
        }
        let by_signal = JobRecord { signal: 13, ..JobRecord::default() };
        let by_code = JobRecord { code: 141, ..JobRecord::default() };
        for failed in [by_signal, by_code] {
            assert!(is_pipe_broken(&failed));
            let gang = Some(GangProgress {
                processes: 2,
                began: 2,
                ended: 0,
                failure: own_failure(Some(2), false, true),
            });
            assert_eq!(gang.and_then(GangProgress::end), Some(Exit::Code(2)));
        }
    }
}
