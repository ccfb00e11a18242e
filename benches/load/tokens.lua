-- A wrk script for requests to a guarded endpoint. The requests use the access tokens of a file in turn. Arguments: the file,
-- which has one access token in each line, and the HTTP method.
function init(arguments)
    requests, turn = {}, 0
    for token in io.lines(arguments[1]) do
        requests[#requests + 1] = wrk.format(arguments[2], nil, { ["Authorization"] = "Bearer " .. token })
    end
end

function request()
    turn = turn % #requests + 1
    return requests[turn]
end

dofile("summary.lua")
