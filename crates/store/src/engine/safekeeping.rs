//! [`Safekeeping`] for every engine.

use super::{Engine, control};
use crate::StoreError;
use crate::reseal::{self, Cursor};
use crate::safekeeping::{KeptNotice, LostEffect, NoticeKey, Restored, Safekeeping, SealedAgain, Sealing};
use crate::{attempt, capture, installation, lost, notice, refund};
use async_trait::async_trait;
use control::write_cached;
use domain::World;
use domain::attempt::Attempt;
use domain::capture::Capture;
use domain::id::{AttemptId, CaptureId, ChannelAccountId, RefundId, Shard, Uid};
use domain::refund::Refund;

#[async_trait]
impl<E: Engine> Safekeeping for E {
    async fn installation_secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.to_owned();
        self.read(move |db| Box::pin(async move { installation::secret(db, &name).await })).await
    }

    async fn keep_installation_secret(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let (name, value) = (name.to_owned(), value.to_vec());
        write_cached(self, World::Live, move |db| {
            Box::pin(async move { installation::keep_secret(db, &name, &value).await })
        })
        .await
    }

    async fn hold(&self, since_us: i64, restored: Option<Restored>) -> Result<(), StoreError> {
        write_cached(self, World::Live, move |db| Box::pin(installation::hold(db, since_us, restored))).await
    }

    async fn release(&self) -> Result<(), StoreError> {
        write_cached(self, World::Live, |db| Box::pin(installation::release(db))).await
    }

    async fn keep_lost(&self, lost: &[LostEffect]) -> Result<(), StoreError> {
        let lost = lost.to_vec();
        write_cached(self, World::Live, move |db| Box::pin(async move { lost::keep(db, &lost).await })).await
    }

    async fn kept_notices(
        &self,
        after: Option<NoticeKey>,
        limit: u32,
    ) -> Result<Vec<KeptNotice>, StoreError> {
        self.read(move |db| Box::pin(notice::kept(db, after, limit))).await
    }

    async fn mark_handled(
        &self,
        account: ChannelAccountId,
        number: &str,
        at_us: i64,
    ) -> Result<bool, StoreError> {
        let number = number.to_owned();
        write_cached(self, World::Live, move |db| {
            Box::pin(async move {
                let told = notice::mark_handled(db, account, &number, at_us).await?;
                let done = match Uid::parse(&number) {
                    Some(uid) => lost::mark_handled(db, account, uid, at_us).await?,
                    None => false,
                };
                Ok(told || done)
            })
        })
        .await
    }

    async fn open_attempts(
        &self,
        shard: Shard,
        after: Option<(i64, AttemptId)>,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |db| Box::pin(attempt::open(db, shard, after, limit))).await
    }

    async fn open_captures(
        &self,
        shard: Shard,
        after: Option<(i64, CaptureId)>,
        limit: u32,
    ) -> Result<Vec<Capture>, StoreError> {
        self.read(move |db| Box::pin(capture::open(db, shard, after, limit))).await
    }

    async fn open_refunds(
        &self,
        shard: Shard,
        after: Option<(i64, RefundId)>,
        limit: u32,
    ) -> Result<Vec<Refund>, StoreError> {
        self.read(move |db| Box::pin(refund::open(db, shard, after, limit))).await
    }

    async fn sealing(&self) -> Result<Sealing, StoreError> {
        self.view(|db| Box::pin(installation::sealing(db))).await
    }

    async fn begin_rotation(&self, version: u32) -> Result<(), StoreError> {
        // Who takes part in it may seal with the version that goes out.
        let begun = self.write(World::Live, move |db| {
            Box::pin(async move {
                crate::merchant::raise_version(db).await?;
                installation::begin_rotation(db, version).await?;
                crate::head::seal_with(db, version).await?;
                // Before the commit: no value is sealed with the old version once the database says the new one.
                db.sealer().seal_with(version).map_err(|fault| StoreError::Unavailable(fault.to_string()))
            })
        });
        begun.await
    }

    async fn seal_again(&self, from: Option<&str>) -> Result<SealedAgain, StoreError> {
        let wrong = || StoreError::Conflict("the place to go on from is none of this list".to_owned());
        let from = from.map(|text| Cursor::parse(text).ok_or_else(wrong)).transpose()?;
        let page = self.read(move |db| Box::pin(reseal::page(db, from))).await?;
        if page.older.is_empty() {
            return Ok(page.report(0));
        }
        // The sandbox's turns: live commits go first.
        self.write(World::Sandbox, move |db| {
            Box::pin(async move {
                let sealed = reseal::seal(db, page.place, &page.older).await?;
                Ok(page.report(sealed))
            })
        })
        .await
    }

    async fn end_rotation(&self) -> Result<(), StoreError> {
        write_cached(self, World::Live, |db| {
            Box::pin(async move { installation::end_rotation(db).await.map(|_| ()) })
        })
        .await
    }
}
