#!lua flags=allow-oom
--[[ family_change: one thing about a family that lasts. Runs in a full store: it is what the traveller said, and makes no room.

name     a member's, as they chose it     ARGV 4 C  5 sealed
group    the link of the traveller's own  ARGV 4 sealed
door     who may come                     ARGV 4 '1' open, '0' closed: opening begins to count anew who comes in a minute
followed what its members were brought to ARGV 4 subjects, comma separated
renew    a new link; the old is worthless ARGV 4 a key of what asked for it: asked again by that, it is the one it made
move     the traveller is elsewhere       ARGV 4 C it was at  5 C  6 A  7 its key, sealed for them

KEYS  1 fam:F (hash)  2 facts (stream)
ARGV  1 offset (ms)  2 F  3 what  4.. see above
RETURNS the number of its link; 0: there is no such family, or it has ended, or (name, move) it is not so any more
--]]
-- include base
local f = redis.call('HMGET', KEYS[1], 'made', 'ended', 'n', 'open', 'c', 'asked')
if not f[1] or f[2] then return 0 end
local number, what = tonumber(f[3]), ARGV[3]
if what == 'name' then
  local before = string.match(redis.call('HGET', KEYS[1], 'm:' .. ARGV[4]) or '', '^(1|[^|]*|[^|]*|%d+|)')
  if not before then return 0 end
  redis.call('HSET', KEYS[1], 'm:' .. ARGV[4], before .. ARGV[5])
elseif what == 'group' then
  redis.call('HSET', KEYS[1], 'g', ARGV[4], 'gat', text(now_of(KEYS[2], tonumber(ARGV[1]))))
elseif what == 'followed' then
  redis.call('HSET', KEYS[1], 's', ARGV[4])
elseif what == 'door' then
  if f[4] ~= ARGV[4] then
    redis.call('HSET', KEYS[1], 'open', ARGV[4])
    redis.call('HDEL', KEYS[1], 'came')
    fact(KEYS[2], now_of(KEYS[2], tonumber(ARGV[1])), 'family_door', ARGV[2], 'door=' .. (ARGV[4] == '1' and 'opened' or 'closed'))
  end
elseif what == 'renew' then
  if ARGV[4] == '' or f[6] ~= ARGV[4] then
    local now = now_of(KEYS[2], tonumber(ARGV[1]))
    number = math.max(math.floor(now / 1000), number + 1)
    redis.call('HSET', KEYS[1], 'n', text(number), 'asked', ARGV[4])
    fact(KEYS[2], now, 'family_door', ARGV[2], 'door=renewed')
  end
elseif what == 'move' then
  if f[5] ~= ARGV[4] then return 0 end
  redis.call('HSET', KEYS[1], 'c', ARGV[5], 'a', ARGV[6], 'k', ARGV[7])
else
  return redis.error_reply('what is ' .. what)
end
return number
