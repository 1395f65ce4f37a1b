#!lua flags=allow-oom
--[[ webhook_append: keep webhooks as they came, in the order given; all of a log or none, so that each caller knows of its own.
Runs when memory is full: what the channel tells us is never refused for room.

KEYS  1 {wh:KK} (stream)
ARGV  one a webhook: sealed
RETURNS their places in the log
--]]
local places = {}
for place, sealed in ipairs(ARGV) do places[place] = redis.call('XADD', KEYS[1], '*', 'b', sealed) end
return places
