//! What the kernel knows about its own clock: whether a time service keeps it, and how far off it can be (adjtimex(2)). The only
//! crate with unsafe code, and this call is all of it: no kept library wraps it.

use std::io;

/// The kernel's word about its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelClock {
    /// A time service (chrony, ntpd, systemd-timesyncd, the hypervisor's) keeps the clock.
    pub is_synchronized: bool,
    /// How far off the clock can be, microseconds: set by the time service, growing by half a millisecond per second since.
    /// Without a time service it means nothing.
    pub error_bound_us: i64,
}

/// Asks the kernel. Nothing is changed and no privilege is needed.
///
/// # Errors
/// Where the system has no such call, or a sandbox around the process forbids it.
#[cfg(target_os = "linux")]
pub fn read() -> io::Result<KernelClock> {
    // SAFETY: `timex` is a C struct of integers, for which all bits zero is a value.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a `timex` that is ours alone until the call returns; `modes` is 0, so the kernel only writes to it.
    let state = unsafe { libc::adjtimex(&mut timex) };
    if state == -1 {
        return Err(io::Error::last_os_error());
    }
    let is_synchronized = state != libc::TIME_ERROR && timex.status & libc::STA_UNSYNC == 0;
    #[allow(clippy::useless_conversion)] // 32 bits on some machines
    Ok(KernelClock { is_synchronized, error_bound_us: i64::from(timex.maxerror) })
}

/// Asks the kernel.
///
/// # Errors
/// Always: only Linux has the call.
#[cfg(not(target_os = "linux"))]
pub fn read() -> io::Result<KernelClock> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    #[test]
    fn the_kernel_answers_or_a_sandbox_forbids_it() {
        match super::read() {
            Ok(clock) => assert!(clock.error_bound_us >= 0, "{clock:?}"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied, "{error}"),
        }
    }
}
