//! `statement.ready`: an event like any other, about a statement as GET shows it.

use crate::config::MerchantConfig;
use crate::lane::told::receives;
use crate::webhook::notice::{self, Telling, without_slot};
use domain::event::{Event, Type};
use domain::id::IdMaker;
use domain::statement::Statement;

/// The event of a statement that was formed.
pub(super) fn event(
    statement: &Statement,
    config: &MerchantConfig,
    ids: &mut IdMaker,
    real_now_us: i64,
) -> Event {
    let telling = Telling {
        id: without_slot(ids.next()),
        kind: Type::StatementReady,
        merchant: statement.merchant,
        object: statement.id.0,
        sequence: 1,
        previous_status: None,
        created_at_us: statement.created_at_us,
        real_now_us,
    };
    let object = wire::StatementObject::of(statement, config.merchant.world);
    let subscribers = config.endpoints.iter().filter(|endpoint| receives(endpoint, telling.kind.as_str()));
    notice::event(&telling, &object, subscribers)
}
