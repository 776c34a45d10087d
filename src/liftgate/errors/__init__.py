"""Everything that can go wrong, one tree by meaning.

An error knows what it means (its class), which request field or file is at fault, whether trying again can help,
and the upstream's own words. It does not know how it is shown: each API's names, and sentences of its own, stand in its
dialect.

    LiftgateError
    ├── RequestError                 the caller can mend it; never retried
    │   ├── InvalidRequest           400  a value, a field, the JSON, the multipart body
    │   │   ├── MissingParameter
    │   │   ├── UnknownParameter
    │   │   ├── UnsupportedParameter      the model or Liftgate cannot do it; drop_params drops it
    │   │   └── FileUnusable              this file cannot be used so: empty, failed processing, wrong type
    │   ├── AuthenticationFailed     401
    │   ├── PermissionDenied         403
    │   ├── NotFound                 404
    │   │   ├── FileNotFound
    │   │   ├── UploadNotFound
    │   │   ├── ItemNotFound
    │   │   ├── ModelNotFound
    │   │   └── RouteNotFound
    │   ├── MethodNotAllowed         405
    │   ├── RequestTimeout           408  the body stopped coming
    │   ├── Conflict                 409
    │   ├── PreconditionFailed       412
    │   ├── TooLarge                 413
    │   ├── UnsupportedEncoding      415  the body's Content-Encoding
    │   └── RangeNotSatisfiable      416
    ├── RateLimited                  429  ours (a quota) or the upstream's
    │   ├── RateReached                   a key's requests or tokens in a minute, or requests at one time
    │   │   └── NothingAllowed            where the limit is 0
    │   └── BudgetReached                 a key's money
    │       └── BudgetInFlight            what is missing is held for calls that are running
    ├── InternalError                500  a defect of ours
    ├── Unavailable                  503  try again later: catalogue away, file not ready, shutting down
    │   ├── LimitsAway                    whether a key's limits let it in
    │   └── FileNotReady
    ├── StorageFull                  507
    └── UpstreamError                what Gemini did, when it is not the request's fault
        ├── UpstreamKeyRejected      401  the key that Liftgate holds; another deployment may do
        ├── UpstreamRateLimited      429
        ├── UpstreamUnavailable      500, 503: Google's own status is kept
        ├── UpstreamTimeout          504
        ├── UpstreamDisconnected     502  the connection broke, before or within the answer
        ├── UpstreamAnswerBroken     502  Gemini ended its answer for a reason that lies in no content
        ├── UpstreamProtocolError    502  an answer that is not of the contract
        ├── UpstreamFileLost         internal: the copy is not there any more; repaired, never shown
        └── UpstreamStorageFull      internal: the project's 20 GB are used; copies are evicted, then 503

Configuration mistakes are `ConfigError`, shown on the terminal at start.
"""

from liftgate.errors.error import LONGEST_NAME as LONGEST_NAME
from liftgate.errors.error import ConfigError as ConfigError
from liftgate.errors.error import LiftgateError as LiftgateError
from liftgate.errors.error import UpstreamFacts as UpstreamFacts
from liftgate.errors.error import let_go as let_go
from liftgate.errors.error import shortened as shortened
from liftgate.errors.ours import BudgetInFlight as BudgetInFlight
from liftgate.errors.ours import BudgetReached as BudgetReached
from liftgate.errors.ours import FileNotReady as FileNotReady
from liftgate.errors.ours import InternalError as InternalError
from liftgate.errors.ours import LimitsAway as LimitsAway
from liftgate.errors.ours import NothingAllowed as NothingAllowed
from liftgate.errors.ours import RateLimited as RateLimited
from liftgate.errors.ours import RateReached as RateReached
from liftgate.errors.ours import StorageFull as StorageFull
from liftgate.errors.ours import Unavailable as Unavailable
from liftgate.errors.request import AuthenticationFailed as AuthenticationFailed
from liftgate.errors.request import Conflict as Conflict
from liftgate.errors.request import FileNotFound as FileNotFound
from liftgate.errors.request import FileUnusable as FileUnusable
from liftgate.errors.request import InvalidRequest as InvalidRequest
from liftgate.errors.request import ItemNotFound as ItemNotFound
from liftgate.errors.request import MethodNotAllowed as MethodNotAllowed
from liftgate.errors.request import MissingParameter as MissingParameter
from liftgate.errors.request import ModelNotFound as ModelNotFound
from liftgate.errors.request import NotFound as NotFound
from liftgate.errors.request import PermissionDenied as PermissionDenied
from liftgate.errors.request import PreconditionFailed as PreconditionFailed
from liftgate.errors.request import RangeNotSatisfiable as RangeNotSatisfiable
from liftgate.errors.request import RequestError as RequestError
from liftgate.errors.request import RequestTimeout as RequestTimeout
from liftgate.errors.request import RouteNotFound as RouteNotFound
from liftgate.errors.request import TooLarge as TooLarge
from liftgate.errors.request import UnknownParameter as UnknownParameter
from liftgate.errors.request import UnsupportedEncoding as UnsupportedEncoding
from liftgate.errors.request import UnsupportedParameter as UnsupportedParameter
from liftgate.errors.request import UploadNotFound as UploadNotFound
from liftgate.errors.upstream import UpstreamAnswerBroken as UpstreamAnswerBroken
from liftgate.errors.upstream import UpstreamDisconnected as UpstreamDisconnected
from liftgate.errors.upstream import UpstreamError as UpstreamError
from liftgate.errors.upstream import UpstreamFileLost as UpstreamFileLost
from liftgate.errors.upstream import UpstreamKeyRejected as UpstreamKeyRejected
from liftgate.errors.upstream import UpstreamProtocolError as UpstreamProtocolError
from liftgate.errors.upstream import UpstreamRateLimited as UpstreamRateLimited
from liftgate.errors.upstream import UpstreamStorageFull as UpstreamStorageFull
from liftgate.errors.upstream import UpstreamTimeout as UpstreamTimeout
from liftgate.errors.upstream import UpstreamUnavailable as UpstreamUnavailable
