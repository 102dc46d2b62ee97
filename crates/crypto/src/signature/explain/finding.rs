//! One thing that is wrong with a request.

use super::{Difference, Mistake};
use crate::signature::fault::{FaultCode, Problem};

/// Something that is wrong, what the server answers to it, and where it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What the server answers.
    pub code: FaultCode,
    /// What the server's own check says; `None` when it sees only that the signature does not match.
    pub problem: Option<Problem>,
    /// The mistake behind it, where one is known.
    pub mistake: Option<Mistake>,
    /// The first byte that differs: in the signature bases, or for a digest in the bodies.
    pub difference: Option<Difference>,
}

impl From<Problem> for Finding {
    fn from(problem: Problem) -> Self {
        Self { code: problem.code(), problem: Some(problem), mistake: None, difference: None }
    }
}

impl From<Mistake> for Finding {
    fn from(mistake: Mistake) -> Self {
        Self { code: FaultCode::Invalid, problem: None, mistake: Some(mistake), difference: None }
    }
}

impl Finding {
    /// The cause's stable name.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        let of_problem = || self.problem.as_ref().map_or("unknown", Problem::name);
        self.mistake.as_ref().map_or_else(of_problem, Mistake::name)
    }

    /// What is wrong and what to do, in English.
    #[must_use]
    pub fn detail(&self) -> String {
        let of_problem = || self.problem.as_ref().map_or_else(String::new, Problem::to_string);
        self.mistake.as_ref().map_or_else(of_problem, Mistake::detail)
    }

    /// The same in Chinese.
    #[must_use]
    pub fn detail_zh(&self) -> String {
        let of_problem = || self.problem.as_ref().map_or_else(String::new, Problem::detail_zh);
        self.mistake.as_ref().map_or_else(of_problem, Mistake::detail_zh)
    }
}
