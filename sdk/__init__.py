"""What a plugin author reads and imports: `from sdk import Entity, Manifest, Record, _, fields as f, hookimpl`."""

from sdk import fields
from sdk.calls import Call, Reply
from sdk.capabilities import ANY_HOST, Capabilities
from sdk.changes import Batch, Change
from sdk.commands import Command, Parameter, Terminal
from sdk.context import Actor, Alike, Block, Candidates, Channel, Context, Draft, Files, Outcome, Page, Query, Records, Tenant
from sdk.days import keep_days
from sdk.documents import Addressee, DocumentTemplate, Picture, TemplateFile, Variable
from sdk.entities import Entity, Extension, Record, Sharing, Side, View
from sdk.errors import (
    BadRequest,
    Conflict,
    DeclarationError,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    Refusal,
    Stale,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
)
from sdk.events import Event, EventType, GiveUp, Job, Past, Subscription, Watch
from sdk.fields.base import Mapped
from sdk.filters import Condition, Filter, parse_filter, parse_where, where
from sdk.forecasting import Forecast, ForecastModel, Regressor
from sdk.hooks import hookimpl
from sdk.impact import Use
from sdk.installation import Installation
from sdk.mail import Attachment, Mail
from sdk.manifest import Manifest
from sdk.notices import Notice, NoticeChannel, Told
from sdk.pages import Frame, MadeFile, MenuEntry, PageRequest, PageRoute, Panel, Redirect, Rendering, Slot
from sdk.permissions import EVERYBODY, Access, Audience, Permission, Role, Scope, Verb
from sdk.privacy import Person, Trace
from sdk.rates import Priced, RateSource, at_rate, keep_base_currency, priced
from sdk.reporting import Report
from sdk.routes import PUBLIC, SIGNED_IN, Download, Guest, Request, Response, Route, Upload, WebPage
from sdk.schedules import Schedule
from sdk.settings import Secret, Settings
from sdk.setup import MasterData
from sdk.sign_in import Identity, Referral, SignInProvider
from sdk.specs import Spec
from sdk.text import Text, _
from sdk.timeline import TimelineSource
from sdk.transfer import Importer, Source, Taken
from sdk.workflow import Action, Moment, RuleCondition, Step, Trigger

__all__ = [
    "ANY_HOST",
    "EVERYBODY",
    "PUBLIC",
    "SIGNED_IN",
    "Access",
    "Action",
    "Actor",
    "Addressee",
    "Alike",
    "Attachment",
    "Audience",
    "BadRequest",
    "Batch",
    "Block",
    "Call",
    "Candidates",
    "Capabilities",
    "Change",
    "Channel",
    "Command",
    "Condition",
    "Conflict",
    "Context",
    "DeclarationError",
    "DocumentTemplate",
    "Download",
    "Draft",
    "Entity",
    "Event",
    "EventType",
    "Extension",
    "Files",
    "Filter",
    "Forbidden",
    "Forecast",
    "ForecastModel",
    "Frame",
    "GiveUp",
    "Guest",
    "Identity",
    "Importer",
    "Installation",
    "Invalid",
    "Job",
    "MadeFile",
    "Mail",
    "Manifest",
    "Mapped",
    "MasterData",
    "MenuEntry",
    "Moment",
    "NotFound",
    "Notice",
    "NoticeChannel",
    "Outcome",
    "Page",
    "PageRequest",
    "PageRoute",
    "Panel",
    "Parameter",
    "Past",
    "Permission",
    "Person",
    "Picture",
    "Priced",
    "Problem",
    "Query",
    "RateSource",
    "Record",
    "Records",
    "Redirect",
    "Referral",
    "Refusal",
    "Regressor",
    "Rendering",
    "Reply",
    "Report",
    "Request",
    "Response",
    "Role",
    "Route",
    "RuleCondition",
    "Schedule",
    "Scope",
    "Secret",
    "Settings",
    "Sharing",
    "Side",
    "SignInProvider",
    "Slot",
    "Source",
    "Spec",
    "Stale",
    "Step",
    "Subscription",
    "Taken",
    "TemplateFile",
    "Tenant",
    "Terminal",
    "Text",
    "TimelineSource",
    "Told",
    "TooLarge",
    "TooMany",
    "Trace",
    "Trigger",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedMedia",
    "Upload",
    "Use",
    "Variable",
    "Verb",
    "View",
    "Watch",
    "WebPage",
    "_",
    "at_rate",
    "fields",
    "hookimpl",
    "keep_base_currency",
    "keep_days",
    "parse_filter",
    "parse_where",
    "priced",
    "where",
]
