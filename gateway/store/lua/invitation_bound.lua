--[[ invitation_bound: note whom a claimed invitation was bound to, and whether all is done. Repeatable.

In two calls: before the traveller joins (what an order that comes meanwhile must see), and after everything was planned.

KEYS  1 iv:I (hash)  2 facts (stream)
ARGV  1 offset (ms)  2 I  3 C  4 A  5 traveller  6 '1' when all is done  7 sealed body
RETURNS ok | gone
--]]
-- include base
if redis.call('EXISTS', KEYS[1]) == 0 then return 'gone' end
redis.call('HSET', KEYS[1], 'c', ARGV[3], 'a', ARGV[4], 't', ARGV[5], 'b', ARGV[7])
if ARGV[6] == '1' and redis.call('HEXISTS', KEYS[1], 'bound') == 0 then
  local now = now_of(KEYS[2], tonumber(ARGV[1]))
  redis.call('HSET', KEYS[1], 'bound', text(now))
  fact(KEYS[2], now, 'way_bound', ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4], '')
end
return 'ok'
