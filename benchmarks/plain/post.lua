-- wrk: POST the lines of a file one after the other. Usage: wrk … -s post.lua URL -- bodies.txt
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local bodies, next = {}, 0
function init(args)
  for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
end
function request()
  next = next % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[next])
end
