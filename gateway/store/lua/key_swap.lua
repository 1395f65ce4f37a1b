--[[ key_swap: put a value in the place of the one that was read, if it is still that one.

One step, because a contact's key that was destroyed meanwhile (erasure) must not come back, nor an agent's newer record go.
Repeated, it finds its own value and says so.

KEYS  1 a string, or a hash where a field is named
ARGV  1 field ('' = the whole string)  2 value read  3 value to put
RETURNS 1 it stands there now, 0 something else does, or nothing
--]]
local field = ARGV[1]
local now
if field == '' then now = redis.call('GET', KEYS[1]) else now = redis.call('HGET', KEYS[1], field) end
if now == ARGV[3] then return 1 end
if now ~= ARGV[2] then return 0 end
if field == '' then redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL') else redis.call('HSET', KEYS[1], field, ARGV[3]) end
return 1
