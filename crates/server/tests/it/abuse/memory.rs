//! What a process has of the machine's memory.

/// Resident memory, in KiB.
#[derive(Debug, Clone, Copy)]
pub struct Resident {
    /// Now.
    pub now_kib: u64,
    /// The most since [`forget_peak`].
    pub peak_kib: u64,
}

/// Reads it of a process.
pub fn resident(process_id: u32) -> Resident {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).expect("the process is there");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.unwrap_or_else(|| panic!("no {name} in {status}"))
    };
    Resident { now_kib: field("VmRSS:"), peak_kib: field("VmHWM:") }
}

/// Lets the peak begin anew at what is resident now.
pub fn forget_peak(process_id: u32) {
    std::fs::write(format!("/proc/{process_id}/clear_refs"), "5").expect("the peak is forgotten");
}
