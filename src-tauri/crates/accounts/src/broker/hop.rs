//! One hop of a call: quota, token, wire, and what the answer means.
//!
//! Owns: the single retry after a 401, the scrubbing of every answer, and what
//! an answer does to the account's pause. Never decides where a request may go.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use charmkeeper_base::ErrorKind;
use charmkeeper_base::http::CallError;
use http::header::HeaderValue;

use super::batch;
use super::budget::Item;
use super::call::{Call, Hop};
use super::classify::{Answer, Verdict, classify, is_portal};
use super::errors::{from_token, refusal};
use super::headers;
use super::placeholder::{self, Plan, Wallet};
use super::quota::{Admitted, Meter, SlowDown, cost};
use super::transport::{Incoming, Outgoing};

/// A hop and what was worked out about it.
struct Signed<'a> {
    hop: &'a Hop,
    plan: Plan,
    accounts: Vec<String>,
}

/// When each account was let through.
type Admissions = BTreeMap<String, Admitted>;

impl Call<'_> {
    /// Sends one hop and judges its answer.
    ///
    /// # Errors
    /// When there is no answer that a charm should see.
    pub(crate) async fn hop(&mut self, hop: &Hop) -> Result<Incoming, CallError> {
        let plan = self.plan(hop)?;
        let accounts = plan.accounts();
        self.account = self.account.take().or_else(|| accounts.first().cloned());
        self.parts = part_items(&plan);
        let signed = Signed {
            hop,
            plan,
            accounts,
        };
        let result = self.try_twice(&signed).await;
        if let Err(error) = &result {
            self.fail_parts(error);
        }
        result
    }

    fn plan(&self, hop: &Hop) -> Result<Plan, CallError> {
        if hop.crossed {
            return Ok(Plan::default());
        }
        if hop.target.takes_token {
            let method = hop.method.as_str();
            return placeholder::plan(method, &hop.target, &hop.headers, &hop.body, self.policy);
        }
        match placeholder::header_with_placeholder(&hop.headers) {
            None => Ok(Plan::default()),
            Some(name) => {
                let host = hop.target.host();
                let text = format!(
                    "The charm may not send an account's token to {host}: the header “{name}” \
                     names one, and only Google's own hosts get it."
                );
                Err(refusal(ErrorKind::Usage, text))
            }
        }
    }

    async fn try_twice(&mut self, signed: &Signed<'_>) -> Result<Incoming, CallError> {
        let mut wallet = Wallet::default();
        let (mut incoming, mut admitted) = Box::pin(self.attempt(signed, &mut wallet)).await?;
        let mut renewal = Ok(());
        if incoming.status == 401 && !signed.accounts.is_empty() {
            renewal = self.renew(&signed.accounts, &mut wallet).await;
            if renewal.is_ok() {
                (incoming, admitted) = Box::pin(self.attempt(signed, &mut wallet)).await?;
            }
        }
        self.status = Some(incoming.status.as_u16());
        self.bytes_in = self.bytes_in.saturating_add(incoming.body.len() as u64);
        self.judge(signed, &incoming, &admitted, &mut wallet)
            .await?;
        if let Err(error) = renewal {
            self.fail_parts(&error);
            self.error = Some(error);
        }
        Ok(incoming)
    }

    /// Pays, signs, sends and scrubs.
    async fn attempt(
        &mut self,
        signed: &Signed<'_>,
        wallet: &mut Wallet,
    ) -> Result<(Incoming, Admissions), CallError> {
        let broker = self.broker;
        let costs = costs(signed);
        let mut admitted = Admissions::new();
        for account in &signed.accounts {
            let own = costs.get(account).map(Vec::as_slice).unwrap_or_default();
            admitted.insert(account.clone(), broker.quotas.admit(account, own).await?);
        }
        for account in &signed.accounts {
            if wallet.generation(account).is_none() {
                let token = broker.tokens.access_token(account, None).await;
                wallet.put(account, token.map_err(|e| from_token(&e))?);
            }
        }
        // In order of id, so that two batches cannot wait for each other.
        let mut places = Vec::new();
        for account in &signed.accounts {
            places.push(broker.quotas.place(account, weight(signed, account)).await);
        }
        let _overall = broker.overall.acquire().await.ok();
        let incoming = self.send(signed, wallet).await?;
        Ok((scrub(incoming, wallet)?, admitted))
    }

    async fn send(&mut self, signed: &Signed<'_>, wallet: &Wallet) -> Result<Incoming, CallError> {
        let hop = signed.hop;
        let (headers, body) = if signed.accounts.is_empty() {
            (hop.headers.clone(), hop.body.clone())
        } else {
            let (headers, body) = wallet.fill(&signed.plan, &hop.headers, &hop.body)?;
            (headers, Bytes::from(body))
        };
        let message = Outgoing {
            method: hop.method.clone(),
            url: hop.target.wire.clone(),
            headers,
            body,
        };
        let clock = &self.broker.clock;
        let began = clock.monotonic();
        let cap = self.policy.caps.max_response_body;
        let result = self
            .broker
            .transport
            .send(&hop.target, message, self.left, cap)
            .await;
        let took = clock.monotonic().saturating_sub(began);
        self.left = self.left.saturating_sub(took).max(Duration::from_millis(1));
        result
    }

    /// New tokens in the place of those that were refused.
    async fn renew(&self, accounts: &[String], wallet: &mut Wallet) -> Result<(), CallError> {
        for account in accounts {
            let stale = wallet.generation(account);
            let token = self.broker.tokens.access_token(account, stale).await;
            wallet.put(account, token.map_err(|e| from_token(&e))?);
        }
        Ok(())
    }

    /// Sets `error` and `parts`, and pauses or clears the accounts.
    async fn judge(
        &mut self,
        signed: &Signed<'_>,
        incoming: &Incoming,
        admitted: &Admissions,
        wallet: &mut Wallet,
    ) -> Result<(), CallError> {
        let answer = answer(signed, incoming);
        if answer.status > 599 {
            let text = format!("{} answered with status {}.", answer.host, answer.status);
            return Err(refusal(ErrorKind::Provider, text));
        }
        if is_portal(&answer) {
            let text = format!(
                "Something on this network answered in the place of {}; it may want a sign-in.",
                answer.host
            );
            return Err(refusal(ErrorKind::Offline, text));
        }
        let mut slowed = BTreeSet::new();
        if answer.status < 300 && !signed.plan.parts.is_empty() {
            self.judge_parts(signed, &answer, admitted, wallet, &mut slowed)
                .await;
        } else {
            self.error = match classify(&answer, self.broker.clock.now()) {
                None => None,
                Some(Verdict::Failed(error)) => Some(error),
                Some(Verdict::SlowDown(slow)) => {
                    slowed.extend(signed.accounts.iter().cloned());
                    self.slow_down(&signed.accounts, admitted, &slow)
                }
            };
            let error = self.error.clone();
            self.parts
                .iter_mut()
                .for_each(|(_, end)| end.clone_from(&error));
        }
        if answer.status < 400 {
            let fine = admitted
                .iter()
                .filter(|(account, _)| !slowed.contains(*account));
            fine.for_each(|(account, at)| self.broker.quotas.succeeded(account, *at));
        }
        Ok(())
    }

    async fn judge_parts(
        &mut self,
        signed: &Signed<'_>,
        answer: &Answer<'_>,
        admitted: &Admissions,
        wallet: &mut Wallet,
        slowed: &mut BTreeSet<String>,
    ) {
        let parts = &signed.plan.parts;
        let ends = batch::read(parts, answer, self.broker.clock.now());
        let mut stale = BTreeSet::new();
        let mut errors = Vec::with_capacity(ends.len());
        for (part, end) in parts.iter().zip(ends) {
            if end.status == 401 {
                stale.extend(part.account.clone());
            }
            errors.push(match end.verdict {
                None => None,
                Some(Verdict::Failed(error)) => Some(error),
                Some(Verdict::SlowDown(slow)) => {
                    slowed.extend(part.account.clone());
                    self.slow_down(part.account.as_slice(), admitted, &slow)
                }
            });
        }
        // The charm decides whether to repeat those parts; a repeat should find
        // a fresh token.
        for account in stale {
            if let Err(error) = self.renew(std::slice::from_ref(&account), wallet).await {
                let own =
                    |at: usize| parts.get(at).and_then(|p| p.account.as_ref()) == Some(&account);
                let failed = errors.iter_mut().enumerate().filter(|(at, _)| own(*at));
                failed
                    .filter_map(|(_, e)| e.as_mut())
                    .for_each(|e| e.clone_from(&error));
            }
        }
        self.error = batch::summary(&errors);
        self.parts
            .iter_mut()
            .zip(errors)
            .for_each(|((_, end), error)| *end = error);
    }

    fn slow_down(
        &self,
        accounts: &[String],
        admitted: &Admissions,
        slow: &SlowDown,
    ) -> Option<CallError> {
        let paused = accounts.iter().filter_map(|account| {
            let at = admitted.get(account)?;
            Some(self.broker.quotas.slow_down(account, *at, slow))
        });
        paused.max_by_key(|error| error.retry_at)
    }

    fn fail_parts(&mut self, error: &CallError) {
        self.parts
            .iter_mut()
            .for_each(|(_, end)| *end = Some(error.clone()));
    }
}

/// A batch's parts before anything is known of their ends.
fn part_items(plan: &Plan) -> Vec<(Item, Option<CallError>)> {
    let item = |p: &placeholder::Part| Item::of((&p.method, &p.path, &p.account));
    plan.parts.iter().map(|p| (item(p), None)).collect()
}

/// What each account pays, by meter.
fn costs(signed: &Signed<'_>) -> BTreeMap<String, Vec<(Meter, u32)>> {
    let (hop, plan) = (signed.hop, &signed.plan);
    let mut total: BTreeMap<String, BTreeMap<Meter, u32>> = BTreeMap::new();
    let mut add = |account: &Option<String>, units: Option<(Meter, u32)>| {
        if let (Some(account), Some((meter, units))) = (account, units) {
            let sum = total
                .entry(account.clone())
                .or_default()
                .entry(meter)
                .or_default();
            *sum = sum.saturating_add(units);
        }
    };
    if plan.parts.is_empty() {
        add(
            &plan.header,
            cost(hop.method.as_str(), hop.target.public.path()),
        );
    }
    for part in &plan.parts {
        add(&part.account, cost(&part.method, &part.path));
    }
    total
        .into_iter()
        .map(|(account, sums)| (account, sums.into_iter().collect()))
        .collect()
}

/// How many requests of `account` are in this message.
fn weight(signed: &Signed<'_>, account: &str) -> usize {
    signed
        .plan
        .parts
        .iter()
        .filter(|p| p.account.as_deref() == Some(account))
        .count()
        .max(1)
}

fn answer<'a>(signed: &'a Signed<'_>, incoming: &'a Incoming) -> Answer<'a> {
    let hop = signed.hop;
    let header = |name| {
        incoming
            .headers
            .get(name)
            .and_then(|v: &HeaderValue| v.to_str().ok())
    };
    Answer {
        provider: hop.target.takes_token,
        signed: !signed.accounts.is_empty(),
        host: hop.target.host(),
        method: hop.method.as_str(),
        path: hop.target.public.path(),
        status: incoming.status.as_u16(),
        content_type: headers::content_type(&incoming.headers),
        retry_after: header("retry-after"),
        date: header("date"),
        challenge: header("www-authenticate"),
        body: &incoming.body,
    }
}

/// The answer without any of the tokens that were sent.
fn scrub(mut incoming: Incoming, wallet: &Wallet) -> Result<Incoming, CallError> {
    incoming.body = wallet.scrub(incoming.body);
    for value in incoming.headers.values_mut() {
        let clean = wallet.scrub(value.as_bytes().to_vec());
        if clean != value.as_bytes() {
            *value = HeaderValue::from_bytes(&clean).map_err(|_| {
                refusal(
                    ErrorKind::Provider,
                    "An answer held a header that cannot be passed on.",
                )
            })?;
        }
    }
    Ok(incoming)
}
