"""The straight line of one request: name it, meet the faults, pass the gate, be answered."""

from __future__ import annotations

import asyncio
import dataclasses
import time
import traceback
from typing import Any

from emulators.server import (
    accounts,
    answers,
    assume,
    authority,
    backing,
    ecr,
    faults,
    federation,
    gate,
    naming,
    organizations,
    sessions,
    simulate,
    usage,
    user_keys,
    wire,
)
from emulators.server.answers import Reason
from emulators.server.faults import Effect

# Paths by which moto would reach services that ask for no signature.
_BACK_DOORS = ("/moto-api", "/latest/")
# Moto answers these without looking at what they ask for.
_NOT_EMULATED = frozenset({"GetFederationToken", "AssumeRoleWithSAML"})
_OPENING = frozenset({"AssumeRole", "GetSessionToken"})
_CUT_STATUS = 0


class Front:
    """Answers requests and keeps a record of them."""

    def __init__(self) -> None:
        self.faults = faults.Faults()
        self.gate = gate.Gate()
        self.federation = federation.Federation()
        self.calls: list[tuple[str, str | None, int]] = []
        self.session_seconds: float | None = None
        self.page = simulate.PAGE
        self.user_keys = user_keys.UserKeys()
        self.roleless = False
        self.registries = ecr.Registries()

    async def handle(self, request: wire.Request) -> wire.Reply:
        """Answers one request."""
        call = naming.name(request)
        plan = self.faults.plan(call.action)
        if plan.delay:
            await asyncio.sleep(plan.delay)
        now = time.time() + plan.skew
        reply = dataclasses.replace(self._answer(request, call, plan, now), pace=plan.pace)
        self.calls.append((call.action, call.key_id, _CUT_STATUS if reply.cut else reply.status))
        return dataclasses.replace(reply, headers={"Date": answers.http_date(now), **reply.headers})

    def _answer(self, request: wire.Request, call: naming.Call, plan: faults.Plan, now: float) -> wire.Reply:
        end = plan.end
        if end and end.effect is Effect.CUT and end.options["where"] == wire.Cut.BEFORE:
            return wire.Reply(status=_CUT_STATUS, headers={}, cut=wire.Cut.BEFORE)
        if end and end.effect is not Effect.CUT:
            return _fault_reply(end, call.service)
        reply = self._serve(request, call, now, plan.skew)
        return dataclasses.replace(reply, cut=wire.Cut.MIDDLE) if end else reply

    def _serve(self, request: wire.Request, call: naming.Call, now: float, skew: float) -> wire.Reply:
        try:
            if request.path == ecr.ENTRY:
                return self.registries.enter(request, now)
            if call.action == "AssumeRoleWithWebIdentity":
                assume.require_trusted(self.federation.bearer(call.form, now), call.form)
                return backing.forward(federation.regional(self._timed(request, call, skew), call.form))
            caller = self.gate.authenticate(request, call, now)
            _require_emulated(request, call)
            return self._perform(request, call, caller, now, skew)
        except answers.Refusal as refusal:
            return answers.render(call.service, refusal)
        except NotImplementedError:
            return answers.render(call.service, answers.Refusal(501, "NotImplemented", "moto lacks this"))
        except Exception as error:  # noqa: BLE001 - a test must not take our bug for an outage
            traceback.print_exc()
            return answers.render(call.service, answers.Refusal(418, "EmulatorBug", type(error).__name__))

    def _perform(
        self, request: wire.Request, call: naming.Call, caller: accounts.Principal, now: float, skew: float
    ) -> wire.Reply:
        if call.service in ecr.SERVICES:
            return self.registries.answer(caller, call, now)
        if call.action in _OPENING:
            return self._open(request, call, caller, skew)
        if caller.in_session and caller.role_arn is None:
            sessions.require_allowed(call.service, call.action)
        authority.require_allowed(caller, call, _signed_region(request))
        if call.action == "SimulatePrincipalPolicy":
            return simulate.answer(call.form, self.page)
        if call.action == "GetAccessKeyLastUsed":
            return usage.answer(call.form)
        if call.action in user_keys.ACTIONS:
            return self.user_keys.answer(request, call, caller)
        if call.action == "ListAccounts":
            organizations.require_listed(caller)
        return backing.forward(request)

    def _open(
        self, request: wire.Request, call: naming.Call, caller: accounts.Principal, skew: float
    ) -> wire.Reply:
        """Opens a session, of a role or of the caller."""
        if self.roleless:
            sessions.require_roleless(call.action, in_session=caller.in_session)
        elif call.action == "AssumeRole":
            assume.require_allowed(caller, call.form)
            return backing.forward(self._timed(request, call, skew))
        elif caller.in_session:
            sessions.require_allowed(call.service, call.action)
        length = self._length(call, skew)
        return sessions.open_for_user(caller, _signed_region(request), call.form, length)

    def _timed(self, request: wire.Request, call: naming.Call, skew: float) -> wire.Request:
        """Sets the length that tests want for sessions, by the clock that this request meets."""
        seconds = self._length(call, skew)
        return backing.with_form(request, {**call.form, "DurationSeconds": str(int(seconds))})

    def _length(self, call: naming.Call, skew: float) -> float:
        return (self.session_seconds or float(call.form.get("DurationSeconds", "3600"))) + skew


def _require_emulated(request: wire.Request, call: naming.Call) -> None:
    if request.path.startswith(_BACK_DOORS) or call.action in _NOT_EMULATED | {""}:
        raise answers.Refusal(400, "InvalidAction", f"{call.action or request.path} is not emulated")


def _fault_reply(fault: faults.Fault, service: str) -> wire.Reply:
    options = fault.options
    match fault.effect:
        case Effect.THROTTLE:
            refusal = answers.refuse(service, Reason.THROTTLED)
        case Effect.ERROR:
            refusal = _error(options, service)
        case _:
            headers = {"Content-Type": options["content_type"], **options["headers"]}
            return wire.Reply(status=options["status"], headers=headers, body=options["body"].encode())
    return answers.render(service, dataclasses.replace(refusal, headers=options.get("headers", {})))


def _error(options: dict[str, Any], service: str) -> answers.Refusal:
    status = options["status"]
    default = answers.refuse(service, Reason.UNAVAILABLE if status == 503 else Reason.BROKEN)
    return answers.Refusal(
        status=status,
        code=options["code"] or default.code,
        message=options["message"] or default.message,
    )


def _signed_region(request: wire.Request) -> str:
    return request.headers["authorization"].split("/")[2]
