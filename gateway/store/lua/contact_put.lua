--[[ contact_put: write the sealed half of a contact, if it is still at the version that was read.

KEYS  1 c:C (string)  2 f:C (hash)  3 all (zset)  4 facts (stream)
ARGV  1 offset (ms)  2 C  3 version read (0 = new)  4 sealed profile
RETURNS ok | changed | moved | erasing
--]]
-- include base
local f = redis.call('HMGET', KEYS[2], 'erasing', 'moved')
if f[1] then return 'erasing' end
if f[2] then return 'moved' end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local raw = redis.call('GET', KEYS[1])
local version = raw and tonumber(string.match(raw, '^(%d+)|')) or 0
if version ~= tonumber(ARGV[3]) then return 'changed' end
redis.call('SET', KEYS[1], text(version + 1) .. '|' .. ARGV[4])
redis.call('ZADD', KEYS[3], text(now), ARGV[2])
if version == 0 then fact(KEYS[4], now, 'contact', ARGV[2], '') end
return 'ok'
