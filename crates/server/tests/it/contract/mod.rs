//! The served document, tried by a program that shares no line with ours: requests that it allows and requests that it forbids,
//! with credentials of both kinds, and every answer judged by it.

mod lies;
mod run;
mod trial;
