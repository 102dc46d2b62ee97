//! Two sandbox merchants at different dates: each one's expiry and maturity follow its own clock.

use crate::world::World;
use app::ReEntry;
use domain::clock::ClockMove;
use domain::payment::{Scene, Status};

#[tokio::test(flavor = "multi_thread")]
async fn expiry_and_maturity_follow_each_merchants_clock() {
    let world = World::new().await;
    let other = world.second_merchant(2).await;
    let here = world.pay(world.order(Scene::QrCode, 1_000, None)).await.payment.id;
    let there = world
        .app
        .create_payment(&other, world.order(Scene::QrCode, 1_000, None), ReEntry::default())
        .await
        .unwrap()
        .object
        .payment
        .id;
    world.paid(10_000).await;
    world
        .app
        .create_payment(&other, world.order(Scene::BarCode, 10_000, None), ReEntry::default())
        .await
        .unwrap();

    let two_days = ClockMove::AdvanceUs(49 * 3_600_000_000);
    world.app.set_sandbox_clock(&world.caller, two_days, ReEntry::default()).await.unwrap();
    assert_eq!(world.until(here, |v| v.payment.status.is_final()).await.payment.status, Status::Closed);
    assert_eq!(world.app.payment(&other, there).await.unwrap().payment.status, Status::RequiresAction);
    assert_eq!(world.app.balances(&world.caller).await.unwrap()[0].available_minor, 9_940);
    assert_eq!(world.app.balances(&other).await.unwrap()[0].available_minor, 0);

    world
        .app
        .set_sandbox_clock(&other, ClockMove::AdvanceUs(3_600_000_000), ReEntry::default())
        .await
        .unwrap();
    assert_eq!(world.app.payment(&other, there).await.unwrap().payment.status, Status::RequiresAction);
    world.app.set_sandbox_clock(&other, two_days, ReEntry::default()).await.unwrap();
    assert_eq!(world.app.payment(&other, there).await.unwrap().payment.status, Status::Closed);
    assert_eq!(world.app.balances(&other).await.unwrap()[0].available_minor, 9_940);
    world.verify().await;
}
