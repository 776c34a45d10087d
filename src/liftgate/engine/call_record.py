"""What is known of a call at its end: `CallRecord`. Whoever serves it fills it in (`meter`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from time import monotonic
from typing import Any, Literal

import msgspec

from liftgate.answer.choice import Answer
from liftgate.answer.counts import text_counts
from liftgate.deployments import Deployment
from liftgate.engine.pricing import Paid, Pricing
from liftgate.engine.reported import read_reported
from liftgate.errors import BudgetReached, LiftgateError, RateReached, UpstreamTimeout
from liftgate.json_types import JsonObject
from liftgate.keys.gate import Ticket
from liftgate.large_bodies import Body
from liftgate.prices import NOTHING, Counted, TextCounts, counts_of_gemini
from liftgate.records import FileRecord, Owner
from liftgate.set_plainly import set_plainly
from liftgate.spans import OTHER_ERROR, Span

Outcome = Literal["ok", "refused", "failed", "left"]
"""`refused`: a 4xx, the caller must change something or wait. `failed`: a 5xx, an error inside a stream, or an answer
that broke off. `left`: the client went away before the end."""
LIMITS = {
    "parallel_limit_exceeded": "parallel",
    "storage_quota_exceeded": "bytes",
    "key_model_access_denied": "model",
    "route_not_allowed": "route",
}
"""The code of an error → what the caller's key is out of, or may not."""


class Attempt(msgspec.Struct):
    """One time that Google was asked, of a call that is traced; on the monotonic clock. `ended`: without an answer."""

    deployment: Deployment
    began: float
    asked: bool = False
    ended: float = 0.0
    error: str = ""

    def note_failure(self, error: str) -> None:
        self.ended, self.error = monotonic(), error


@set_plainly
class CallRecord(msgspec.Struct, eq=False):
    """One call. Listeners read it after its end, and change nothing.

    Where a call has no such thing a text is empty and a number 0: a file route has no model, a call of the SDK no path.
    """

    # The columns of `meter.Calls`: what a call has for itself
    request_id: str
    began_at: float
    """Unix seconds, on the gateway's clock."""
    total: float = 0.0
    own: float = 0.0
    """Spent here, and on nothing else."""
    first_event: float = 0.0
    """From the request to Google to the first event of its answer, at the deployment that answered."""
    upstream: float = 0.0
    """Waiting for Google, of all tries together."""
    cost: int | None = 0
    """Whole nano-dollars, of all answers of Google's together; 0 where there was none. None: something has no price."""
    bytes_in: int = 0
    bytes_out: int = 0
    response_id: str = ""
    user: str = ""
    """Whom the caller says it asks for. Of any value."""
    trace_id: str = ""
    """Of the trace that the caller's `traceparent` names, or that begins with the call; `parent_span` is its word."""
    tokens: Counted = NOTHING
    """Of all answers of Google's together, by kind."""
    # Its kind (`meter.Kinds`). Who
    key: str = ""
    """The name of the key that was given, never the key; empty where the gateway needs none."""
    key_id: str = ""
    """What stays of it when it is renamed, or given another secret. Of a key of the config its owner."""
    owner: Owner = ""
    # What was asked
    method: str = ""
    """HTTP's; empty for a call of the SDK."""
    route: str = ""
    """The template of the path, `/v1/files/{file_id}`; empty where no route has it. Of few values."""
    dialect: str = ""
    operation: str = ""
    """What is asked of a model, by the names of `operations`; of the SDK also what it does with files. Of few."""
    streamed: bool = False
    model: str = ""
    """As the caller named it. Of any value."""
    # Who served it, the last one tried
    deployment: str = ""
    public_model: str = ""
    """The `model_name` of the config that has the deployment, a pattern such as `gemini/*` too. Of few values."""
    upstream_model: str = ""
    account: str = ""
    tries: int = 0
    """Deployments that were tried, repeats included."""
    # Its end
    outcome: Outcome = "ok"
    status: int = 0
    """HTTP's, or what it would be for a call of the SDK; 0 where the client left before there was an answer."""
    error: str = ""
    """The class of `errors` that the caller got, `FileNotFound`: one name for one meaning in each dialect."""
    limit: str = ""
    """The limit of its key's that refused it: requests, tokens, parallel, usd, bytes, model or route."""
    finish: str | int = ""
    """`finishReason` of the first candidate; a number where the caller asked Google for numbers."""
    is_plain: bool = False
    """Nothing failed, no File was used, Google said what was, and nobody traces it."""
    is_text: bool = False
    """It is plain, and its tokens are those of text alone: what is counted of it are a few numbers."""
    # Further: what
    path: str = ""
    client_ip: str = ""
    """Whom it is from, as far as `log_client_ip` lets it be known."""
    parent_span: str = ""
    sampled: bool = False
    span: Span | None = None
    """Where it is sampled: under which what is done for it has spans of its own."""
    attempts: Sequence[Attempt] = ()
    """Where it is sampled."""
    failures: Sequence[tuple[str, str]] = ()
    """(deployment, class of the error) of each try that gave no answer."""
    # Files, by id: those that were at the account when they were needed, and those whose page-in had to be waited for
    copies_hit: Set[str] = frozenset()
    paged_in: Set[str] = frozenset()
    paged_in_bytes: int = 0
    # What Google reports of it
    usage: JsonObject | None = None
    """Its `usageMetadata`, whole: tokens by kind and by modality. Of a stream the last one that came."""
    tier: str = ""
    """Its service tier, which decides the price; empty where Google named none."""
    served_by: str = ""
    """Its `modelVersion`: the model that answered, by Google's word."""
    earlier: Sequence[Paid] = ()
    """Answers of Google's before the last one, which were of no use and have to be paid too."""
    # What it costs
    reckoned: JsonObject | None = None
    """As `usage`, where Google did not say what was used: from what was sent and given (`unreported`)."""
    text: TextCounts | None = None
    """Those of `usage`, where the answer was read and they are of text alone."""
    pricing: Pricing | None = None
    priced: JsonObject | None = None
    """The usage that `cost` and `tokens` are of."""
    sent: tuple[Deployment, Body] | None = None
    """What Google was asked last, where it has to be paid and Google has reported no usage."""
    chunks: int = 0
    """Pieces of a streamed answer that came."""
    given: int = 0
    """Characters of a streamed answer that came."""
    blobs: Mapping[str, str] | None = None
    """URIs that the request to Google has → the blobs whose copies they are; where there is a ticket."""
    ticket: Ticket | None = None
    """What it takes of its key's limits; None where the key has none."""
    # Seconds
    files: float = 0.0
    """Waiting for files: fetching, storing, page-in."""
    pauses: float = 0.0
    """Between two tries."""
    client: float = 0.0
    """Waiting for the caller to send its body and to take the answer."""
    started: float = msgspec.field(default_factory=monotonic)
    """Its beginning, on the monotonic clock."""
    asked: float = 0.0
    """The beginning of the first try, on the monotonic clock, where it is sampled."""
    failed_at: float = 0.0
    """The end of the last try that gave no answer, on the monotonic clock."""
    since: float = 0.0
    """Google is waited for since then, on the monotonic clock; 0: it is not."""

    def is_asked(self, operation: str, model: object, *, streamed: bool = False, user: object = None) -> None:
        """What is asked of which model."""
        self.operation = operation
        self.streamed = streamed
        self.model = model if isinstance(model, str) else ""
        self.user = user if isinstance(user, str) else ""

    def tries_at(self, deployment: Deployment) -> None:
        """Another try begins."""
        if self.tries:
            self.first_event = 0.0
            if self.failed_at:
                self.pauses += monotonic() - self.failed_at
                self.failed_at = 0.0
        if self.span is not None:
            self.attempts = (*self.attempts, Attempt(deployment, monotonic()))
            self.asked = self.asked or self.attempts[0].began
        self.tries += 1
        self.deployment = deployment.id
        self.public_model = deployment.model_name
        self.upstream_model = deployment.model
        self.account = deployment.account.name

    def note_failure(self, deployment: Deployment, error: BaseException) -> None:
        """The try at this deployment gave no answer."""
        if self.since:
            self.note_answer()
        self.failed_at = monotonic()
        self.failures = (*self.failures, (deployment.id, type(error).__name__))
        if self.attempts:
            self.attempts[-1].note_failure(type(error).__name__)
        if isinstance(error, LiftgateError) and not isinstance(error, UpstreamTimeout):
            self.sent = None

    def note_asked(self, deployment: Deployment, body: Body) -> None:
        """Google is asked, or asked again: the usage of an earlier answer is noted already."""
        self.sent, self.priced = (deployment, body), None
        if self.span is not None:
            self._attempts_again(deployment)
        if self.usage is not None:
            paid = Paid(self.deployment, self.upstream_model, self.usage, self.tier, self.served_by)
            self.earlier = (*self.earlier, paid)
            self.usage = self.text = None
            self.tier = self.response_id = self.served_by = self.finish = ""
        self.since = self.since or monotonic()

    def begin_wait(self) -> None:
        """Begins to count the time that Google is waited for; does nothing where it is counted already."""
        self.since = self.since or monotonic()

    def note_answer(self) -> None:
        """Ends that: the answer is there, or its first events."""
        waited = monotonic() - self.since
        self.since = 0.0
        self.first_event += waited
        self.upstream += waited

    def note_events(self) -> None:
        """Further events of a stream."""
        self.upstream += monotonic() - self.since
        self.since = 0.0

    def _attempts_again(self, deployment: Deployment) -> None:
        if self.attempts[-1].asked:
            # Earlier answers of Google were of no use; a file that was lost is there again.
            self.attempts[-1].note_failure(OTHER_ERROR)
            self.attempts = (*self.attempts, Attempt(deployment, monotonic()))
        self.attempts[-1].began, self.attempts[-1].asked = monotonic(), True

    def price(self) -> int | None:
        """`cost`, from what is known by now; with `tokens`."""
        usage = self.usage or self.reckoned
        if (usage is self.priced if usage is not None else not self.earlier) or self.pricing is None:
            return self.cost
        if usage is not None and not self.earlier:
            self.tokens = tokens = self.text or text_counts(usage) or counts_of_gemini(usage)
            self.cost = cost = self.pricing.cost(self, tokens, self.began_at)
            self.priced = usage
            return cost
        return self._price_all(usage, self.pricing)

    def _price_all(self, usage: JsonObject | None, pricing: Pricing) -> int | None:
        """The same, with what was answered before."""
        tokens = NOTHING
        total: int | None = 0
        if usage is not None:
            tokens = counts_of_gemini(usage)
            total = pricing.cost(self, tokens, self.began_at)
        for paid in self.earlier:
            if paid.usage is not None:
                used = counts_of_gemini(paid.usage)
                cost = pricing.cost(paid, used, self.began_at)
                total = None if cost is None or total is None else total + cost
                tokens += used
        self.cost, self.tokens, self.priced = total, tokens, usage
        return total

    @property
    def estimated(self) -> bool:
        return self.reckoned is not None

    def dollars(self) -> float | None:
        """`price` in US dollars."""
        cost = self.price()
        return None if cost is None else cost / 1e9

    def waits_for(self, file: FileRecord) -> None:
        """A copy of this File must be made, by this process or by the one that has begun."""
        if file.id not in self.paged_in:
            self.paged_in |= {file.id}
            self.paged_in_bytes += file.bytes

    def record_error(self, error: LiftgateError) -> None:
        """Notes `error` as the answer that the caller got, or as the end of it."""
        self.error = type(error).__name__
        self.limit = "usd" if isinstance(error, BudgetReached) else LIMITS.get(error.code or "", "")
        if not self.limit and isinstance(error, RateReached):
            self.limit = error.kind

    def note_first(self, first: Sequence[Body]) -> None:
        """The first events of a stream. Where they say what was used, the last ones will: the question need not be kept
        through a stream of minutes."""
        if any(data.find(b'"usageMetadata"') >= 0 for data in first):
            self.sent = None

    def answered(self, said: Body | JsonObject) -> None:
        """Notes what one of Gemini's answers, or events, says of itself. What has another form says nothing."""
        if (reply := read_reported(said)) is None:
            return
        if reply.usage:
            self.usage, self.text = reply.usage, None
        self.served_by = reply.model_version or self.served_by
        self.response_id = reply.response_id or self.response_id
        if reply.candidates:
            self.finish = reply.candidates[0].finish_reason or self.finish

    def answered_in(self, answer: Answer[Any]) -> None:
        """The same of an answer that is folded, as far as it came."""
        if answer.usage:
            self.usage, self.text = answer.usage, answer.text()
        else:
            self.given = sum(choice.length for choice in answer.choices.values())
        self.tier = answer.service_tier or ""
        self.served_by = answer.model_version or answer.served_by
        self.response_id = answer.response_id
        for choice in answer.choices.values():
            self.finish = choice.finish_reason or ""
            break
