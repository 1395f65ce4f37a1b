#!lua flags=allow-oom
--[[ family_look: when to look next at a family that is there; nothing where there is none.

Somebody may ask for a look while one is under way, which has read already what has changed. So what is asked for is counted, and
a look that ends puts the next one off only where nothing was asked for since it began: else it is due still, and done again.

KEYS  1 fam:F (hash)  2 famdue (zset)
ARGV  1 F  2 when (ms)  3 '1' = only if that is sooner than it stands: somebody asks for it  4 the count that a look began at, '' none
RETURNS 1 set, 0 not
--]]
local f = redis.call('HMGET', KEYS[1], 'until', 'c', 'looks')
if not f[2] then return 0 end
if ARGV[3] == '1' then
  redis.call('HINCRBY', KEYS[1], 'looks', 1)
  if tonumber(f[1]) <= tonumber(ARGV[2]) then return 0 end
elseif ARGV[4] ~= '' and ARGV[4] ~= (f[3] or '0') then
  return 0
end
redis.call('HSET', KEYS[1], 'until', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
return 1
