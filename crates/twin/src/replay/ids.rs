//! Ids made of numbers, since the things of a trace have no ids of the center's kind.

use domain::{AllianceId, ContractId, JobId, NodeId, PoolId, TenantId};

fn bytes_of(number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn number_of(bytes: &[u8; 16]) -> u64 {
    let [.., low] = bytes.as_chunks::<8>().0 else { unreachable!("ids have 16 bytes") };
    u64::from_be_bytes(*low)
}

/// The id of a job by its index in the trace.
pub fn job_id(index: usize) -> JobId {
    JobId::from_bytes(bytes_of(index as u64))
}

/// The index of a job in the trace.
pub fn job_index(job: JobId) -> usize {
    usize::try_from(number_of(job.as_bytes())).expect("jobs are numbered by their index")
}

pub fn node_id(number: u32) -> NodeId {
    NodeId::from_bytes(bytes_of(number.into()))
}

pub fn node_number(node: NodeId) -> u32 {
    u32::try_from(number_of(node.as_bytes())).expect("nodes are numbered with 32 bits")
}

pub fn queue_id(number: u32) -> ContractId {
    ContractId::from_bytes(bytes_of(number.into()))
}

pub fn tenant_id(number: u32) -> TenantId {
    TenantId::from_bytes(bytes_of(number.into()))
}

pub fn alliance_id(number: u8) -> AllianceId {
    AllianceId::from_bytes(bytes_of(number.into()))
}

pub fn pool_id(number: u32) -> PoolId {
    PoolId::from_bytes(bytes_of(number.into()))
}
