//! Secrets and personal data are not readable in the files, nor shown by `Debug`.

use crate::fixtures::*;

on_both_engines! {
    planted_secrets_are_in_no_file, a_sealed_value_does_not_open_in_another_row,
    personal_bodies_of_events_rest_sealed, a_callbacks_number_with_a_zero_byte_is_kept_and_found,
}

fn planted_secrets_are_in_no_file(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(SANDBOX, 90);
    let mut set = writes(1);
    set.new_payments = vec![full_payment(&mut ids, here.sandbox, "VISIBLE-ORDER-NO")];
    here.commit(SANDBOX, &set).unwrap();
    let row = endpoint(&mut ids, here.sandbox, "https://shop.example/a");
    block_on(here.store.create_endpoint(&row, 13, None)).unwrap();
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

    let bytes = here.place.bytes();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("VISIBLE-ORDER-NO") && has("VISIBLE-REF"), "the search finds what rests in the clear");
    assert!(!has("PLANTED"));
    assert!(!has("203.0.113.77"));

    let snapshot = block_on(here.store.snapshot()).unwrap();
    let shown = format!("{row:?} {account:?} {snapshot:?}");
    assert!(!shown.contains("PLANTED"), "{shown}");
    assert!(!format!("{:?}", set.new_payments).contains("PLANTED"));
}

fn a_sealed_value_does_not_open_in_another_row(engine: Engine) {
    use store::StoreError;
    let here = Installation::new(engine);
    let mut ids = maker(SANDBOX, 92);
    let mut set = writes(1);
    set.new_payments =
        vec![full_payment(&mut ids, here.sandbox, "a"), full_payment(&mut ids, here.sandbox, "b")];
    here.commit(SANDBOX, &set).unwrap();
    here.place.say(
        "UPDATE payment SET personal = (SELECT personal FROM payment WHERE merchant_order_no = 'a') \
         WHERE merchant_order_no = 'b'",
    );
    assert!(block_on(here.store.payment(set.new_payments[0].id)).unwrap().is_some());
    let error = block_on(here.store.payment(set.new_payments[1].id)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
}

/// An event shows the payment as its merchant sees it, with what it told of its payer: such a body rests sealed and comes back
/// whole, by itself, in a list and with its delivery.
fn personal_bodies_of_events_rest_sealed(engine: Engine) {
    let here = Installation::new(engine);
    let mut ids = maker(SANDBOX, 93);
    let mut set = writes(1);
    let body = r#"{"data":{"object":{"payer":{"name":"PLANTED-PAYER"}}}}"#;
    let personal = domain::event::Event {
        body: body.to_owned(),
        is_personal: true,
        ..event(&mut ids, here.sandbox, here.sandbox.0, &[None])
    };
    let plain = event(&mut ids, here.sandbox, here.sandbox.0, &[]);
    set.events = vec![personal.clone(), plain.clone()];
    here.commit(SANDBOX, &set).unwrap();
    let bytes = here.place.bytes();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!has("PLANTED") && has("牛肉面"), "only what is personal is sealed");
    let read = block_on(here.store.event(personal.id)).unwrap().unwrap();
    assert_eq!((read.body.as_str(), read.is_personal), (body, true));
    let listed = block_on(here.store.events_of_object(SANDBOX, here.sandbox.0)).unwrap();
    let listed: Vec<(&str, bool)> =
        listed.iter().map(|event| (event.body.as_str(), event.is_personal)).collect();
    assert_eq!(listed, [(body, true), (plain.body.as_str(), false)]);
    let due = block_on(here.store.deliveries_due(SANDBOX, NOW_US, 10)).unwrap();
    assert_eq!(due[0].event.body, body);
}

/// A channel's number may hold anything. PostgreSQL keeps no zero byte in a text; the callback is kept, read and found all the same.
fn a_callbacks_number_with_a_zero_byte_is_kept_and_found(engine: Engine) {
    let here = Installation::new(engine);
    let account = maker(SANDBOX, 94).next();
    for number in ["PLAIN", "NUL\0NUL", "\0"] {
        block_on(here.store.keep_notice(account, number, "h\0: v", b"body\0", NOW_US)).unwrap();
    }
    let kept = block_on(here.store.kept_notices(None, 10)).unwrap();
    let mut numbers: Vec<&str> = kept.iter().map(|notice| notice.key.1.as_str()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ["NUL\u{fffd}NUL", "PLAIN", "\u{fffd}"]);
    assert!(kept.iter().all(|notice| notice.body == b"body\0"));
    for number in ["NUL\0NUL", "\u{fffd}"] {
        assert!(block_on(here.store.mark_handled(account, number, NOW_US + 1)).unwrap());
    }
    let left = block_on(here.store.kept_notices(None, 10)).unwrap();
    assert_eq!(left.iter().filter(|notice| notice.handled_at_us.is_none()).count(), 1);
}
