-- A wrk script for refreshes that rotate. The next request for a session sends the refresh token of the previous response for
-- this session. Each thread has its own sessions and one connection, so a response belongs to the latest request of the thread.
-- Arguments: a file with one refresh token in each line, and the number of threads.
local started = 0

function setup(thread)
    thread:set("number", started)
    started = started + 1
end

function init(arguments)
    tokens, turn = {}, 0
    local line, threads = 0, tonumber(arguments[2])
    for token in io.lines(arguments[1]) do
        if line % threads == number then
            tokens[#tokens + 1] = token
        end
        line = line + 1
    end
end

function request()
    turn = turn % #tokens + 1
    local body = '{"refresh_token":"' .. tokens[turn] .. '"}'
    return wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, body)
end

function response(status, headers, body)
    tokens[turn] = body:match('"refresh_token"%s*:%s*"([^"]+)"') or tokens[turn]
end

dofile("summary.lua")
