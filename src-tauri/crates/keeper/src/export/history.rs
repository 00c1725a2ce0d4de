//! The history as a file, however long it is: read and written page by page.

use std::io::Write;
use std::path::Path;

use charmkeeper_store::{RunFilter, RunRow, Store};

use super::file::{self, unwritable};
use super::{CSV_HEADING, RunJson, csv_line};
use crate::api::{ApiError, ExportFormat};
use crate::core::of_store;
use crate::views;

/// Rows held in memory at once.
const PAGE: usize = 1000;

/// Writes the runs that `filter` names, newest first, at most `limit`. Returns
/// their number.
///
/// # Errors
/// When the place cannot be written; what was there is then unchanged.
pub(crate) fn write(
    store: &Store,
    filter: RunFilter,
    limit: u64,
    format: ExportFormat,
    path: &Path,
) -> Result<u64, ApiError> {
    file::write(path, |out| {
        let failed = |e: std::io::Error| unwritable(path, &e);
        let begin: &str = match format {
            ExportFormat::Json => "[",
            ExportFormat::Csv => CSV_HEADING,
        };
        out.write_all(begin.as_bytes()).map_err(failed)?;
        let mut written = 0;
        each(store, filter, limit, |run| {
            row(out, run, format, written == 0).map_err(failed)?;
            written += 1;
            Ok(())
        })?;
        let end: &str = match format {
            ExportFormat::Json => "\n]\n",
            ExportFormat::Csv => "\r\n",
        };
        out.write_all(end.as_bytes()).map_err(failed)?;
        Ok(written)
    })
}

fn row(
    out: &mut dyn Write,
    run: &RunRow,
    format: ExportFormat,
    first: bool,
) -> std::io::Result<()> {
    let view = views::run(run);
    match format {
        ExportFormat::Csv => write!(out, "\r\n{}", csv_line(&view)),
        ExportFormat::Json => {
            out.write_all(if first { b"\n" } else { b",\n" })?;
            serde_json::to_writer(out, &RunJson::of(&view)).map_err(std::io::Error::from)
        }
    }
}

/// Gives every run that the filter names to `work`, page by page.
fn each(
    store: &Store,
    mut filter: RunFilter,
    limit: u64,
    mut work: impl FnMut(&RunRow) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let mut left = limit;
    while left > 0 {
        let wanted = PAGE.min(usize::try_from(left).unwrap_or(PAGE));
        let runs = store.runs(&filter, wanted).map_err(|e| of_store(&e))?;
        for run in &runs {
            work(run)?;
        }
        left -= runs.len() as u64;
        filter.after = runs.last().map(RunRow::cursor);
        if runs.len() < wanted {
            break;
        }
    }
    Ok(())
}
