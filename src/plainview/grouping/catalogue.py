"""The table of what kinds of trouble there are: by type of exception, by message, by errno, by HTTP status.

Types are globs over the name with its module as the library raises it; a name without a module stands for the
language's own or for several libraries'. The first row that fits decides, so what is particular stands before what is
general.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["ACTIONS", "CODES", "MESSAGES", "PARTICULAR", "STATUSES", "TYPES", "Kind"]

#: Category to the action that is suggested where a row does not say something better.
ACTIONS: Final[dict[str, str]] = {
    "transient": "Goes away by itself: retry with growing pauses, and look into it when it stays.",
    "configuration": "Correct the configuration or the environment, and start again.",
    "resource": "Free or add what has run out: memory, disk, connections, quota.",
    "bug": "Correct the code.",
    "external": "Look at the other side: the service that answered with an error.",
    "user": "Answer with what is wrong with the input; nothing to correct here, unless there are many.",
}


class Kind(NamedTuple):
    """One row: what fits (types, codes or a pattern over the message), the category, and what to do."""

    matches: str
    category: str
    #: Empty: that of the category.
    action: str = ""


_DOWN: Final = "The other side cannot be reached: see whether it runs and the network lets it through; retry meanwhile."
_SLOW: Final = "The other side was too slow: retry with growing pauses; look at its load, and at the timeout."
_LIMIT: Final = "Too many calls: slow down as the answer says (Retry-After), or have the quota raised."
_KEY: Final = "Credentials are wrong, expired or not allowed to do this: replace them or grant the permission."
_SCHEMA: Final = "Code and database schema disagree: run the migrations, or correct the query."
_LOCK: Final = "Others hold the lock: retry the transaction; keep transactions short and in the same order."
_POOL: Final = "All connections are in use: look for ones that are not given back, or make the pool larger."
_INSTALL: Final = "Install what is missing into this environment, or correct the name that is imported."
_INPUT: Final = "Answer with what is wrong with the input (HTTP 4xx); nothing to correct here, unless there are many."
_TEMPLATE: Final = "Correct the template, or what is given to it."
_CERTIFICATE: Final = (
    "Certificates do not fit: look at the host's name, the date, and the authorities that are trusted."
)
_MODEL: Final = "The request does not fit the model or its limits: shorten or correct it."

#: By type.
TYPES: Final[tuple[Kind, ...]] = (
    # openai, anthropic: alike, as they are made by the same generator.
    Kind("openai.*RateLimitError anthropic.*RateLimitError", "transient", _LIMIT),
    Kind("openai.*APITimeoutError anthropic.*APITimeoutError", "transient", _SLOW),
    Kind("openai.*APIConnectionError anthropic.*APIConnectionError", "transient", _DOWN),
    Kind("anthropic.*OverloadedError anthropic.*ServiceUnavailableError", "transient", _SLOW),
    Kind("openai.*InternalServerError anthropic.*InternalServerError", "external"),
    Kind("openai.*AuthenticationError anthropic.*AuthenticationError openai.*PermissionDeniedError "
         "anthropic.*PermissionDeniedError", "configuration", _KEY),
    Kind("openai.*BadRequestError anthropic.*BadRequestError openai.*UnprocessableEntityError "
         "anthropic.*UnprocessableEntityError openai.*LengthFinishReasonError openai.*NotFoundError "
         "anthropic.*NotFoundError", "bug", _MODEL),
    Kind("openai.*ContentFilterFinishReasonError", "user", "The content was refused: tell who asked for it."),
    Kind("openai.OpenAIError anthropic.AnthropicError", "configuration", _KEY),
    Kind("openai.*APIStatusError openai.*APIError anthropic.*APIStatusError anthropic.*APIError", "external"),
    # HTTP clients.
    Kind("httpx.PoolTimeout httpcore.PoolTimeout urllib3.*EmptyPoolError urllib3.*FullPoolError", "resource", _POOL),
    Kind("httpx.*Timeout httpx.TimeoutException httpcore.*Timeout requests.*Timeout requests.*ConnectTimeout "
         "requests.*ReadTimeout urllib3.*TimeoutError urllib3.*TimeoutException urllib3.*ReadTimeoutError "
         "urllib3.*ConnectTimeoutError aiohttp.*ServerTimeoutError aiohttp.*TimeoutError", "transient", _SLOW),
    Kind("requests.*SSLError urllib3.*SSLError aiohttp.*CertificateError aiohttp.*SSLError "
         "ssl.SSLCertVerificationError "
         "SSLCertVerificationError ssl.CertificateError", "configuration", _CERTIFICATE),
    Kind("ssl.SSLError SSLError ssl.SSLEOFError ssl.SSLZeroReturnError", "transient", _DOWN),
    Kind("requests.*InvalidURL requests.*MissingSchema requests.*InvalidSchema requests.*InvalidHeader "
         "httpx.InvalidURL "
         "httpx.UnsupportedProtocol httpx.LocalProtocolError urllib3.*LocationParseError aiohttp.*InvalidURL "
         "aiohttp.*NonHttpUrlClientError", "bug", "Correct the address or the headers that are sent."),
    Kind("httpx.StreamError httpx.StreamConsumed httpx.StreamClosed httpx.ResponseNotRead httpx.RequestNotRead "
         "httpx.CookieConflict", "bug"),
    Kind("requests.*TooManyRedirects httpx.TooManyRedirects aiohttp.*TooManyRedirects requests.*JSONDecodeError "
         "aiohttp.*ContentTypeError httpx.DecodingError requests.*ContentDecodingError "
         "requests.*InvalidJSONError", "external"),
    Kind("httpx.*Error httpcore.*Error requests.*ConnectionError requests.*ChunkedEncodingError requests.*ProxyError "
         "urllib3.*NewConnectionError urllib3.*NameResolutionError urllib3.*ProtocolError urllib3.*MaxRetryError "
         "urllib3.*ProxyError urllib3.*IncompleteRead aiohttp.*ClientConnect* aiohttp.*ServerDisconnectedError "
         "aiohttp.*ClientOSError aiohttp.*ClientPayloadError http.client.RemoteDisconnected RemoteDisconnected "
         "http.client.IncompleteRead http.client.BadStatusLine http.client.CannotSendRequest "
         "urllib.error.URLError URLError", "transient", _DOWN),
    Kind("requests.*HTTPError requests.*RequestException aiohttp.*ClientError aiohttp.*ClientResponseError "
         "urllib3.*HTTPError urllib.error.HTTPError httpx.HTTPError", "external"),
    # Databases: what says more first.
    Kind("sqlalchemy.*.TimeoutError psycopg_pool.PoolTimeout psycopg_pool.TooManyRequests psycopg2.pool.PoolError "
         "asyncpg.*TooManyConnectionsError psycopg.*TooManyConnections psycopg2.*TooManyConnections", "resource",
         _POOL),
    Kind("psycopg*.DeadlockDetected psycopg*.SerializationFailure psycopg*.LockNotAvailable "
         "asyncpg.*DeadlockDetectedError "
         "asyncpg.*SerializationError asyncpg.*LockNotAvailableError sqlalchemy.*.StaleDataError "
         "django.db.transaction.TransactionManagementError", "transient", _LOCK),
    Kind("psycopg*.QueryCanceled asyncpg.*QueryCanceledError", "transient", _SLOW),
    Kind("psycopg*.DiskFull psycopg*.OutOfMemory asyncpg.*DiskFullError asyncpg.*OutOfMemoryError", "resource"),
    Kind("psycopg*.UndefinedTable psycopg*.UndefinedColumn psycopg*.UndefinedFunction asyncpg.*Undefined*Error "
         "sqlalchemy.*.NoSuchTableError sqlalchemy.*.NoSuchColumnError", "configuration", _SCHEMA),
    Kind("psycopg*.InvalidPassword psycopg*.InvalidCatalogName psycopg*.InsufficientPrivilege "
         "psycopg*.InvalidAuthorizationSpecification asyncpg.*InvalidPasswordError asyncpg.*InvalidCatalogNameError "
         "asyncpg.*InsufficientPrivilegeError asyncpg.*InvalidAuthorizationSpecificationError", "configuration",
         _KEY),
    Kind("psycopg*.AdminShutdown psycopg*.CannotConnectNow psycopg*.ConnectionTimeout psycopg*.CrashShutdown "
         "asyncpg.*CannotConnectNowError asyncpg.*ConnectionDoesNotExistError asyncpg.*AdminShutdownError "
         "asyncpg.*PostgresConnectionError asyncpg.*ConnectionFailureError", "transient", _DOWN),
    Kind("psycopg*.UniqueViolation asyncpg.*UniqueViolationError", "user",
         "It is there already: answer so (HTTP 409), or insert with ON CONFLICT."),
    Kind("psycopg*.DataError psycopg*.InvalidTextRepresentation asyncpg.*DataError sqlalchemy.*.DataError "
         "django.db.*DataError", "bug"),
    Kind("sqlalchemy.*.NoResultFound sqlalchemy.*.MultipleResultsFound", "bug",
         "Ask with one_or_none() where none is to be expected; answer HTTP 404."),
    Kind("sqlalchemy.*.DisconnectionError sqlalchemy.*.InterfaceError psycopg*.InterfaceError", "transient", _DOWN),
    Kind("sqlalchemy.*.ArgumentError sqlalchemy.*.InvalidRequestError sqlalchemy.*.CompileError "
         "sqlalchemy.*.DetachedInstanceError sqlalchemy.*.MissingGreenlet sqlalchemy.*.PendingRollbackError "
         "sqlalchemy.*.ResourceClosedError sqlalchemy.*.StatementError sqlalchemy.*.ObjectNotExecutableError", "bug"),
    Kind("sqlalchemy.*.NoSuchModuleError alembic.*CommandError", "configuration"),
    # redis, kombu, celery, amqp.
    Kind("redis.*AuthenticationError redis.*NoPermissionError redis.*AuthorizationError", "configuration", _KEY),
    Kind("redis.*MaxConnectionsError redis.*OutOfMemoryError", "resource"),
    Kind("redis.*TimeoutError", "transient", _SLOW),
    Kind("redis.*BusyLoadingError redis.*ConnectionError redis.*ReadOnlyError redis.*TryAgainError "
         "redis.*ClusterDownError "
         "redis.*MasterDownError", "transient", _DOWN),
    Kind("redis.*LockError redis.*LockNotOwnedError redis.*WatchError", "transient", _LOCK),
    Kind("redis.*DataError redis.*ResponseError redis.*InvalidResponse", "bug"),
    Kind("celery.*TimeLimitExceeded billiard.*TimeLimitExceeded celery.*SoftTimeLimitExceeded "
         "billiard.*SoftTimeLimitExceeded",
         "resource", "The task took longer than it may: split it, or raise its limit."),
    Kind("celery.*WorkerLostError billiard.*WorkerLostError", "resource",
         "The worker was killed, mostly for want of memory: look at its size, and at the kernel's log."),
    Kind("celery.*NotRegistered", "configuration", "The worker does not know the task: deploy the same code "
         "everywhere."),
    Kind("celery.*ImproperlyConfigured", "configuration"),
    Kind("celery.*MaxRetriesExceededError", "external", "All retries failed: look at what the task calls."),
    Kind("celery.*TimeoutError", "transient", _SLOW),
    Kind("kombu.*EncodeError kombu.*DecodeError kombu.*SerializerNotInstalled kombu.*ContentDisallowed", "bug",
         "Pass what the serializer can carry: ids and plain values."),
    Kind("kombu.*OperationalError kombu.*ConnectionError amqp.*ConnectionForced amqp.*RecoverableConnectionError "
         "amqp.*ConnectionError amqp.*RecoverableChannelError", "transient", _DOWN),
    Kind("amqp.*AccessRefused amqp.*NotAllowed", "configuration", _KEY),
    Kind("amqp.*NotFound amqp.*PreconditionFailed", "configuration"),
    # AWS.
    Kind("botocore.*NoCredentialsError botocore.*PartialCredentialsError botocore.*CredentialRetrievalError "
         "botocore.*TokenRetrievalError botocore.*UnauthorizedSSOTokenError botocore.*ProfileNotFound "
         "botocore.*NoAuthTokenError", "configuration", _KEY),
    Kind("botocore.*NoRegionError botocore.*InvalidRegionError botocore.*UnknownServiceError "
         "botocore.*ConfigNotFound "
         "botocore.*UnknownRegionError", "configuration"),
    Kind("botocore.*ConnectTimeoutError botocore.*ReadTimeoutError", "transient", _SLOW),
    Kind("botocore.*EndpointConnectionError botocore.*ConnectionClosedError botocore.*HTTPClientError "
         "botocore.*ConnectionError", "transient", _DOWN),
    Kind("botocore.*ParamValidationError botocore.*DataNotFoundError botocore.*OperationNotPageableError", "bug"),
    Kind("botocore.*SSLError", "configuration", _CERTIFICATE),
    # Input: validation.
    Kind("fastapi.*ResponseValidationError", "bug", "The answer does not fit its model: correct what is returned."),
    Kind("fastapi.*RequestValidationError fastapi.*WebSocketRequestValidationError", "user", _INPUT),
    Kind("pydantic_settings.* pydantic.*PydanticUserError pydantic.*PydanticSchemaGenerationError "
         "pydantic.*PydanticUndefinedAnnotation", "configuration"),
    Kind("pydantic*ValidationError marshmallow.*ValidationError django.core.exceptions.ValidationError "
         "rest_framework.*ValidationError rest_framework.*ParseError jsonschema.*ValidationError "
         "msgspec.ValidationError msgspec.DecodeError werkzeug.*BadRequest* cerberus.* voluptuous.*Invalid "
         "wtforms.*ValidationError attr.*ValidationError", "user", _INPUT),
    Kind("marshmallow.*RegistryError marshmallow.*StringNotCollectionError", "bug"),
    # Web frameworks.
    Kind("django.core.exceptions.ImproperlyConfigured django.core.exceptions.AppRegistryNotReady "
         "django.core.exceptions.MiddlewareNotUsed", "configuration"),
    Kind("django.core.exceptions.DisallowedHost django.core.exceptions.SuspiciousOperation "
         "django.core.exceptions.SuspiciousFileOperation django.core.exceptions.RequestDataTooBig "
         "django.core.exceptions.TooManyFieldsSent django.core.exceptions.BadRequest "
         "django.core.exceptions.PermissionDenied "
         "django.http.*Http404 django.http.*RawPostDataException django.http.*UnreadablePostError "
         "django.utils.datastructures.MultiValueDictKeyError rest_framework.*PermissionDenied "
         "rest_framework.*NotAuthenticated rest_framework.*AuthenticationFailed rest_framework.*NotFound "
         "rest_framework.*MethodNotAllowed rest_framework.*Throttled rest_framework.*NotAcceptable "
         "rest_framework.*UnsupportedMediaType", "user", _INPUT),
    Kind("*.DoesNotExist *.MultipleObjectsReturned", "bug",
         "Ask with get_object_or_404 or first() where none is to be expected."),
    Kind("django.urls.*NoReverseMatch django.core.exceptions.FieldError django.core.exceptions.FieldDoesNotExist "
         "django.core.exceptions.SynchronousOnlyOperation django.template.*", "bug", _TEMPLATE),
    Kind("jinja2.*TemplateNotFound jinja2.*TemplatesNotFound mako.*TopLevelLookupException", "configuration",
         "The template is not where it is looked for: see that it is deployed, and the folders."),
    Kind("jinja2.* mako.*", "bug", _TEMPLATE),
    Kind("werkzeug.*RequestEntityTooLarge starlette.*ClientDisconnect werkzeug.*ClientDisconnected", "user"),
    Kind("werkzeug.routing.*BuildError", "bug", "Correct the name or the values that the address is built from."),
    Kind("werkzeug.*NotFound werkzeug.*Forbidden werkzeug.*Unauthorized werkzeug.*MethodNotAllowed "
         "werkzeug.*Conflict "
         "werkzeug.*UnsupportedMediaType werkzeug.*UnprocessableEntity werkzeug.*NotAcceptable werkzeug.*Gone",
         "user", _INPUT),
    Kind("werkzeug.*TooManyRequests", "user", "The caller asks too often: nothing to correct here, unless it is "
         "your own."),
    # Java, JavaScript, .NET, Go: by their names.
    Kind("java.lang.OutOfMemoryError *.OutOfMemoryException *.StackOverflowError", "resource"),
    Kind("java.net.SocketTimeoutException java.util.concurrent.TimeoutException System.TimeoutException",
         "transient", _SLOW),
    Kind("java.net.ConnectException java.net.UnknownHostException java.net.SocketException "
         "System.Net.*SocketException System.Net.Http.HttpRequestException", "transient", _DOWN),
    Kind("*.ClassNotFoundException *.NoClassDefFoundError *.BeanCreationException *.NoSuchBeanDefinitionException",
         "configuration"),
    Kind("ChunkLoadError", "transient", "A new version was deployed while the page was open: load it again."),
    # The language's own.
    Kind("MemoryError", "resource", "Memory has run out: look for what grows, or give the process more."),
    Kind("RecursionError", "bug", "A recursion does not end: look for the cycle; use a loop for what is merely "
         "deep."),
    Kind("TimeoutError asyncio.TimeoutError asyncio.*.TimeoutError concurrent.futures.TimeoutError "
         "concurrent.futures.*.TimeoutError socket.timeout subprocess.TimeoutExpired TimeoutExpired", "transient",
         _SLOW),
    Kind("ConnectionRefusedError ConnectionResetError ConnectionAbortedError BrokenPipeError ConnectionError "
         "asyncio.*IncompleteReadError EOFError socket.gaierror gaierror socket.herror "
         "smtplib.SMTPServerDisconnected "
         "smtplib.SMTPConnectError paramiko.*SSHException websockets.*ConnectionClosed*", "transient", _DOWN),
    Kind("smtplib.SMTPAuthenticationError ftplib.error_perm", "configuration", _KEY),
    Kind("smtplib.SMTPRecipientsRefused smtplib.SMTPSenderRefused", "user", "The address is not accepted: tell who "
         "gave it."),
    Kind("smtplib.*", "external"),
    Kind("ModuleNotFoundError ImportError", "configuration", _INSTALL),
    Kind("PermissionError", "configuration", "Give the process the permission, or another place to write."),
    Kind("FileNotFoundError NotADirectoryError IsADirectoryError", "configuration",
         "The file is not where it is looked for: see the path, the deployment and the mounts."),
    Kind("BlockingIOError InterruptedError", "transient"),
    Kind("concurrent.futures.process.BrokenProcessPool concurrent.futures.*BrokenProcessPool *.BrokenThreadPool",
         "resource", "A worker process was killed, mostly for want of memory: look at the kernel's log."),
    Kind("queue.Full asyncio.QueueFull asyncio.*.QueueFull", "resource", "The queue is full: slow its makers, or "
         "add workers."),
    Kind("configparser.* tomllib.TOMLDecodeError yaml.*", "configuration", "Correct the file."),
    Kind("zoneinfo.*ZoneInfoNotFoundError locale.Error", "configuration", "Install the data: tzdata, locales."),
    Kind("SyntaxError IndentationError TabError NameError UnboundLocalError AttributeError TypeError AssertionError "
         "NotImplementedError IndexError ZeroDivisionError StopIteration StopAsyncIteration ReferenceError "
         "RangeError FloatingPointError OverflowError dataclasses.FrozenInstanceError", "bug"),
)  # fmt: skip

#: By errno, Windows' own, and the names that the other languages print.
CODES: Final[tuple[Kind, ...]] = (
    Kind("28 ENOSPC 122 EDQUOT 12 ENOMEM 24 EMFILE 23 ENFILE 11 EAGAIN 105 ENOBUFS 27 EFBIG", "resource",
         "Disk, memory or file handles have run out: free them, or raise the limit."),
    Kind("110 ETIMEDOUT 10060 60", "transient", _SLOW),
    Kind("111 ECONNREFUSED 104 ECONNRESET 32 EPIPE 103 ECONNABORTED 101 ENETUNREACH 113 EHOSTUNREACH 112 EHOSTDOWN "
         "61 54 "
         "10061 10054 ENOTFOUND EAI_AGAIN -2 -3 8 UND_ERR_SOCKET", "transient", _DOWN),
    Kind("13 EACCES 1 EPERM 30 EROFS", "configuration", "Give the process the permission, or another place to "
         "write."),
    Kind("98 EADDRINUSE 48 10048 99 EADDRNOTAVAIL", "configuration", "Another process has the address: stop it, or "
         "take another."),
    Kind("2 ENOENT 20 ENOTDIR 21 EISDIR", "configuration",
         "The file is not where it is looked for: see the path, the deployment and the mounts."),
    Kind("5 EIO", "resource", "The disk fails: look at the kernel's log."),
)  # fmt: skip

#: By HTTP status; of a range, both ends are part of it.
STATUSES: Final[tuple[Kind, ...]] = (
    Kind("429", "transient", _LIMIT),
    Kind("408 425 502-504 520-524 529", "transient", _SLOW),
    Kind("401 403 407", "configuration", _KEY),
    Kind("507 509", "resource"),
    Kind("400 404-406 409-424 426 428 431 451", "external",
         "The other side refuses what was asked: look at what is sent, and whether it is still there."),
    Kind("500 501 505-506 508 510-511", "external"),
)  # fmt: skip

#: By message, before anything else: what says more than the type or the status that comes with it.
PARTICULAR: Final[tuple[Kind, ...]] = (
    Kind(r"insufficient_quota|exceeded your current quota|credit balance is too low", "resource",
         "The quota or the credit is used up: add to it."),
    Kind(r"context[_ ]length|maximum context|too many tokens|prompt is too long", "bug", _MODEL),
    Kind(r"^(?:failed to fetch|fetch failed|load failed|networkerror)", "transient", _DOWN),
)  # fmt: skip

#: By message: patterns, found anywhere in it, in any case.
MESSAGES: Final[tuple[Kind, ...]] = (
    Kind(r"rate.?limit|too many requests|throttl|SlowDown|RequestLimitExceeded|ProvisionedThroughputExceeded"
         r"|overloaded",
         "transient", _LIMIT),
    Kind(r"too many connections|remaining connection slots|QueuePool limit|connection pool exhausted|pool is full"
         r"|max number of clients", "resource", _POOL),
    Kind(r"no space left|disk (?:is )?full|database or disk is full|not enough space|quota exceeded|disk quota"
         r"|out of memory|cannot allocate memory|too many open files|OOM command not allowed|can't start new thread"
         r"|resource_exhausted|heap out of memory|out of shared memory", "resource"),
    Kind(r"deadlock|lock wait timeout|could not serialize|serialization failure|database (?:table )?is locked"
         r"|could not obtain lock", "transient", _LOCK),
    Kind(r"password authentication failed|access denied for user|authentication failed|invalid (?:api.?key"
         r"|credentials|token)"
         r"|incorrect api key|unauthorized|permission denied|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch"
         r"|ExpiredToken|UnrecognizedClient|no pg_hba.conf entry|unauthenticated|role .{1,80} does not exist"
         r"|NOAUTH|WRONGPASS",
         "configuration", _KEY),
    Kind(r"certificate (?:verify failed|has expired)|CERTIFICATE_VERIFY_FAILED"
         r"|self.signed certificate", "configuration", _CERTIFICATE),
    Kind(r"no such (?:table|column)|(?:relation|column|table) .{1,120} does(?:n't| not) exist|unknown column"
         r"|undefined column"
         r"|has no column named|invalid object name", "configuration", _SCHEMA),
    Kind(r"unable to open database file|database .{1,80} does not exist|unknown database|readonly database"
         r"|read-only file system"
         r"|NoSuchBucket|ResourceNotFoundException|environment variable|not configured|missing (?:setting"
         r"|configuration)"
         r"|is not installed|set the .{1,60} (?:env|option|setting)", "configuration"),
    Kind(r"unique constraint|duplicate key|duplicate entry|UNIQUE constraint failed|already exists", "user",
         "It is there already: answer so (HTTP 409), or insert with ON CONFLICT."),
    Kind(r"(?:foreign key|not.null|check) constraint|violates|FOREIGN KEY|NOT NULL constraint|cannot be null", "bug"),
    Kind(r"syntax error at or near|near .{1,80}: syntax error|error in your SQL syntax|incomplete input"
         r"|wrong number of bind", "bug"),
    Kind(r"timed? ?out|deadline exceeded|DEADLINE_EXCEEDED|statement timeout"
         r"|canceling statement", "transient", _SLOW),
    Kind(r"connection (?:refused|reset|aborted|closed|was closed|lost|is closed|to server)|could not connect"
         r"|server closed"
         r"|name or service not known|temporary failure in name resolution|nodename nor servname|no route to host"
         r"|network is unreachable|remote end closed|server has gone away|lost connection|StatusCode\.UNAVAILABLE"
         r"|\bUNAVAILABLE\b"
         r"|terminating connection|the database system is (?:starting|shutting)|socket hang up|failed to fetch"
         r"|broken pipe"
         r"|networkerror|load failed|eof occurred|connection attempts failed|ServiceUnavailable"
         r"|try again", "transient", _DOWN),
    Kind(r"StatusCode\.(?:INTERNAL|UNKNOWN|DATA_LOSS)|bad gateway|internal server error|InternalError", "external"),
    Kind(r"StatusCode\.(?:INVALID_ARGUMENT|NOT_FOUND|UNIMPLEMENTED|FAILED_PRECONDITION|OUT_OF_RANGE)|NoSuchKey"
         r"|ValidationException", "bug"),
    Kind(r"validation error|is not valid|invalid (?:e-?mail|input|value|date|format)|must be (?:a|an|at|one"
         r"|between)|is required"
         r"|cannot be (?:blank|empty)|field required", "user", _INPUT),
    Kind(r"recursion depth|is not defined|undefined is not|cannot read propert|null pointer|nil pointer"
         r"|index out of range", "bug"),
)  # fmt: skip
