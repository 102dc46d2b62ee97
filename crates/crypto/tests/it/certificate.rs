//! The dates of a certificate that openssl made.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::certificate::{Validity, validity};

/// `openssl ca -selfsign -startdate 20260102030405Z -enddate 20620102030405Z`: one date on either side of 2050, where the encoding
/// of dates changes.
const CERTIFICATE: &str = "\
MIHdMIGQAgEBMAUGAytlcDAaMRgwFgYDVQQDDA9wYXkuZXhhbXBsZS5jb20wIBcNMjYwMTAyMDMwNDA1WhgPMjA2MjAxMDIwMzA0MDVaMBoxGD\
AWBgNVBAMMD3BheS5leGFtcGxlLmNvbTAqMAUGAytlcAMhAPlYszFNH7fpl4bJ8a+F3tCDJWX0ByCSKgovv0RMh3R2MAUGAytlcANBADT/XQ76\
Sg4GFeq5hXTGZ9iDWAsjuUQIoc+vmpSuK7p2SP/fURMJduA8lhE2FFAQnjc+XyURGYi0peMT8hihuQs=\
";

#[test]
fn both_dates_are_read() {
    let der = STANDARD.decode(CERTIFICATE).unwrap();
    assert_eq!(validity(&der), Some(Validity { not_before_s: 1_767_323_045, not_after_s: 2_903_396_645 }));
}

#[test]
fn what_is_no_certificate_has_no_dates() {
    let der = STANDARD.decode(CERTIFICATE).unwrap();
    for length in 0..der.len() {
        assert_eq!(validity(&der[..length]), None, "{length}");
    }
    assert_eq!(validity(&[&der[..], b"x"].concat()), None);
}
