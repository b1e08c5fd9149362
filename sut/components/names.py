"""A name server that tells shoppers which edge to go to, and those who keep what it said, as their providers do.

It judges edges as well as anybody: it names the one that is near, or where that is ill another one. But it also says for
how long that may be believed, and who believes it asks nobody meanwhile.
"""

from typing import Final

PORT: Final = 8053
LIFETIME_S: Final = 300
FILE: Final = "/etc/haproxy/windtunnel-names.lua"
# How HAProxy finds a server whose address it does not know: by its name, and by nothing else.
TOLD: Final = "resolvers names resolve-prefer ipv4 init-addr none"


def near(edge: str) -> str:
    """Give the shop's name, as shoppers near an edge ask for it."""
    return f"{edge}.shop.test"


def settings() -> str:
    """Render the name server's port, and the one who asks it there, over TCP, and keeps the answers for all shoppers.

    HAProxy reads no lifetime from an answer, so it is told the same one beforehand.
    """
    return f"""\
global
    lua-load {FILE}

frontend names
    mode tcp
    bind :{PORT}
    tcp-request content use-service lua.names

resolvers names
    nameserver own tcp4@127.0.0.1:{PORT}
    timeout resolve {LIFETIME_S}s
    hold valid {LIFETIME_S}s
"""


def program(judge: str) -> str:
    """Render the name server itself, in Lua: DNS as RFC 1035 has it, for names that ``near`` gives. ``judge``: a backend.

    Well is who is called so there. Where all are called ill, the judge may be wrong: the near one is named.
    """
    return f"""\
local A, IN, ANSWER, NAME_OF_QUESTION = 1, 1, 0x8400, 0xC00C

local function well(edge)
    return edge:get_stats().status:find("^UP") ~= nil
end

local function named(near)
    local edges = core.backends["{judge}"].servers
    if not well(edges[near]) then
        for _, edge in pairs(edges) do
            if well(edge) then return edge end
        end
    end
    return edges[near]
end

local function answered(asked)
    local ends = asked:find("\\0", 13, true)
    local near, kind = string.unpack("s1", asked, 13), string.unpack(">I2", asked, ends + 1)
    local question, answers = asked:sub(13, ends + 4), ""
    if kind == A then
        local address = string.char(named(near):get_addr():match("(%d+)%.(%d+)%.(%d+)%.(%d+)"))
        answers = string.pack(">I2I2I2I4s2", NAME_OF_QUESTION, A, IN, {LIFETIME_S}, address)
    end
    local counts = string.pack(">I2I2I2I2I2", ANSWER, 1, #answers > 0 and 1 or 0, 0, 0)
    return asked:sub(1, 2) .. counts .. question .. answers
end

core.register_service("names", "tcp", function(applet)
    while true do
        local head = applet:receive(2)
        if #head < 2 then return end
        local length = string.unpack(">I2", head)
        applet:send(string.pack(">s2", answered(applet:receive(length))))
    end
end)
"""
