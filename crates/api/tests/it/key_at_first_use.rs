//! A key that another process made is known at its first use.

use crate::house::House;

#[tokio::test]
async fn a_key_made_elsewhere_is_known_at_its_first_use() {
    let house = House::new().await;
    let (token, row) = house.unread_bearer();
    let authorization = format!("Bearer {token}");
    let ask =
        || house.send(crate::house::request("GET", "/v1/whoami", &[("authorization", &authorization)], ""));
    assert_eq!(ask().await.refusal(), (401, "key_unknown".to_owned()));
    store::Control::create_key(house.store.as_ref(), &row, None).await.unwrap();
    assert_eq!(ask().await.status, 200);
}
