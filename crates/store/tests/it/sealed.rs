//! Secrets and personal data are not readable in the files, nor shown by `Debug`.

use crate::fixtures::*;
use store::Control;

#[test]
fn planted_secrets_are_in_no_file() {
    let here = Installation::new();
    let mut ids = maker(SANDBOX, 90);
    let mut set = writes(1);
    set.new_payments = vec![full_payment(&mut ids, here.sandbox, "VISIBLE-ORDER-NO")];
    here.commit(SANDBOX, &set).unwrap();
    let row = endpoint(&mut ids, here.sandbox, "https://shop.example/a");
    block_on(here.store.create_endpoint(&row, None)).unwrap();
    let account = channel_account(&mut ids);
    block_on(here.store.create_channel_account(&account)).unwrap();
    let new = merchant(SANDBOX, 91);
    block_on(here.store.create_merchant(&new, &head(new.id), b"PLANTED-DEFAULT-SECRET")).unwrap();
    block_on(here.store.keep_notice(
        account.account.id,
        "VISIBLE-REF",
        "x: PLANTED-HEADER",
        b"PLANTED-BODY",
        NOW_US,
    ))
    .unwrap();

    let bytes = here.scratch.bytes();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("VISIBLE-ORDER-NO") && has("VISIBLE-REF"), "the search finds what rests in the clear");
    assert!(!has("PLANTED"));
    assert!(!has("203.0.113.77"));

    let snapshot = block_on(here.store.snapshot()).unwrap();
    let shown = format!("{row:?} {account:?} {snapshot:?} {:?} {:?}", here.store, here.scratch.config());
    assert!(!shown.contains("PLANTED"), "{shown}");
    assert!(!format!("{:?}", set.new_payments).contains("PLANTED"));
}

#[test]
fn a_sealed_value_does_not_open_in_another_row() {
    use store::{Reads, StoreError};
    let here = Installation::new();
    let mut ids = maker(SANDBOX, 92);
    let mut set = writes(1);
    set.new_payments =
        vec![full_payment(&mut ids, here.sandbox, "a"), full_payment(&mut ids, here.sandbox, "b")];
    here.commit(SANDBOX, &set).unwrap();
    let file = rusqlite::Connection::open(here.scratch.config().path).unwrap();
    file.execute(
        "UPDATE payment SET personal = (SELECT personal FROM payment WHERE merchant_order_no = 'a') \
         WHERE merchant_order_no = 'b'",
        [],
    )
    .unwrap();
    assert!(block_on(here.store.payment(set.new_payments[0].id)).unwrap().is_some());
    let error = block_on(here.store.payment(set.new_payments[1].id)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
}
