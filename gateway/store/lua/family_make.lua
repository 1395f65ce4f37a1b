--[[ family_make: a family begins, once, however many processes are asked to make it.

One that stands is left as it is; one that has ended begins anew when its list is erased, under a link that was never given out.
The number of a link is the second in which it was made, or one more than the last: it goes up also where what was before is gone.

KEYS  1 fam:F (hash)  2 famdue (zset)  3 facts (stream)
ARGV  1 offset (ms)  2 F  3 order  4 customer  5 C of the traveller  6 A  7 brand  8 language  9 places
      10 when to look next (ms)  11 its key, sealed under the traveller's  12 keep until (ms)
      13 subjects that are followed, comma separated
RETURNS new | same | ending (it has ended, and its members are still being told)
--]]
-- include base
local f = redis.call('HMGET', KEYS[1], 'made', 'ended', 'n', 'c')
if f[1] and not f[2] then return 'same' end
if f[2] and f[4] then return 'ending' end
local now = now_of(KEYS[3], tonumber(ARGV[1]))
local number = math.max(math.floor(now / 1000), tonumber(f[3] or '0') + 1)
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'f', '1', 'o', ARGV[3], 't', ARGV[4], 'c', ARGV[5], 'a', ARGV[6], 'b', ARGV[7], 'l', ARGV[8],
  'places', ARGV[9], 'made', text(now), 'until', ARGV[10], 'open', '1', 'n', text(number), 'k', ARGV[11], 's', ARGV[13])
redis.call('PEXPIREAT', KEYS[1], ARGV[12])
redis.call('ZADD', KEYS[2], ARGV[10], ARGV[2])
fact(KEYS[3], now, 'family_made', ARGV[2] .. ' ' .. ARGV[5] .. ' ' .. ARGV[6], '')
return 'new'
