#!lua flags=allow-oom
--[[ way_done: another way was found for a message, or is no longer looked for.

One step with its fact: whoever comes second finds the entry gone and says nothing. Runs when memory is full: it makes room.

KEYS  1 facts (stream)  2 ways (zset)  3 m:M (string)
ARGV  1 offset (ms)  2 M  3 details for the fact ('' = no fact: it is simply not needed)
RETURNS 1 taken out, 0 somebody else did
--]]
-- include base
-- include message
local now = now_of(KEYS[1], tonumber(ARGV[1]))
if redis.call('ZREM', KEYS[2], ARGV[2]) == 0 then return 0 end
local header = message_read(KEYS[3])
if header and ARGV[3] ~= '' then fact(KEYS[1], now, 'other_way', message_ids(header, ARGV[2]), ARGV[3]) end
return 1
