//! What goes wrong around the platform: weather, clocks, the bank's own mistakes, death.

use super::World;
use crate::faults::Rates;
use crate::house::Life;

const HOUR_US: i64 = 3_600_000_000;

impl World {
    /// Better or worse.
    pub(super) fn weather_changes(&mut self) {
        let strength = match self.dice.weighted(&[4, 4, 2]) {
            0 => 0,
            1 => self.dice.below(4),
            _ => self.dice.below(10),
        };
        self.note_trouble();
        self.house.faults.set_rates(Rates::of_strength(strength));
        self.say(|| format!("weather of strength {strength}"));
    }

    /// What banks should not do and do.
    pub(super) fn bank_errs(&mut self) {
        let now_us = self.now_us();
        let (what, done) = match self.dice.weighted(&[3, 3]) {
            0 => ("bank took money after all", self.house.bank.take_after_all(now_us)),
            _ => ("refund came back", self.house.bank.return_refund(now_us)),
        };
        if let Some(number) = done {
            self.house.faults.count(what);
            self.say(|| format!("{what}: {number}"));
        }
    }

    /// The process dies some steps from now.
    pub(super) fn doom(&mut self) {
        let steps = self.dice.below(60) + 1;
        self.house.faults.die_in(steps);
        self.say(|| format!("it will die in {steps} steps"));
    }

    /// Real time jumps.
    pub(super) fn clock_jumps(&mut self) {
        let by_us = match self.dice.weighted(&[4, 3, 2, 2]) {
            0 => self.dice.range(1, 600) * 1_000_000,
            1 => self.dice.range(1, 30) * HOUR_US,
            2 => self.dice.range(24, 80) * HOUR_US,
            _ => -self.dice.range(1, 5_400) * 1_000_000,
        };
        self.house.faults.count(if by_us < 0 { "clock set back" } else { "clock set forward" });
        self.house.clock.jump(by_us);
        self.say(|| format!("the clock jumps by {} s", by_us / 1_000_000));
    }

    /// Somebody who is not the bank, or the bank about nothing that is known.
    pub(super) async fn strange_notice(&mut self, life: &Life) {
        let Some(account) = self.house.accounts().first().copied() else { return };
        let forged = self.dice.chance(500);
        let mut request = http::Request::post(format!("/callback/{account}"));
        if !forged {
            request = request.header(crate::channel::SEAL.0, crate::channel::SEAL.1);
        }
        let Ok(request) = request.body(axum::body::Body::from("999999999")) else { return };
        let Ok(answer) = tower::ServiceExt::oneshot(life.router.clone(), request).await;
        self.house.faults.count("strange notices");
        let status = answer.status().as_u16();
        self.say(|| format!("strange notice, forged {forged}: {status}"));
        if status == 200 {
            self.accuse("forged notices", "a notice that nobody sent was accepted".to_owned());
        }
    }
}
