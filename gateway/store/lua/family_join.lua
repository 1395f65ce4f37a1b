--[[ family_join: who is in. One step, so that no more than its places ever are, whoever comes at the same moment.

So many in one minute close the door by themselves, before this one: a link that went where it was not meant to. It is opened
again by the traveller alone; until then everybody who comes hears that it was closed for that.

KEYS  1 fam:F (hash)  2 facts (stream)
ARGV  1 offset (ms)  2 F  3 C  4 A  5 channel  6 sealed name ('' none)  7 number of the link they came by  8 most in one minute
RETURNS in | again | full | closed | too_many | barred | old | ended
--]]
-- include base
local f = redis.call('HMGET', KEYS[1], 'made', 'ended', 'n', 'open', 'places', 'came')
if not f[1] or f[2] then return 'ended' end
if redis.call('HEXISTS', KEYS[1], 'x:' .. ARGV[3]) == 1 then return 'barred' end
local held = redis.call('HGET', KEYS[1], 'm:' .. ARGV[3])
if held then
  local _, _, at = string.find(held, '^1|[^|]*|[^|]*|(%d+)|')
  local name = ARGV[6] ~= '' and ARGV[6] or string.match(held, '^1|[^|]*|[^|]*|%d+|(.*)$')
  redis.call('HSET', KEYS[1], 'm:' .. ARGV[3], '1|' .. ARGV[4] .. '|' .. ARGV[5] .. '|' .. at .. '|' .. name)
  return 'again'
end
if f[3] ~= ARGV[7] then return 'old' end
if string.sub(f[4], 1, 1) == 't' then return 'too_many' end
if f[4] ~= '1' then return 'closed' end
local now, members = now_of(KEYS[2], tonumber(ARGV[1])), 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 2) == 'm:' then members = members + 1 end
end
if members >= tonumber(f[5]) then return 'full' end
local came = {}
for at in string.gmatch(f[6] or '', '%d+') do
  if tonumber(at) > now - 60000 then came[#came + 1] = at end
end
if #came >= tonumber(ARGV[8]) then
  redis.call('HSET', KEYS[1], 'open', 't' .. text(now))
  fact(KEYS[2], now, 'family_door', ARGV[2], 'door=too_many')
  return 'too_many'
end
came[#came + 1] = text(now)
redis.call('HSET', KEYS[1], 'came', table.concat(came, ','),
  'm:' .. ARGV[3], '1|' .. ARGV[4] .. '|' .. ARGV[5] .. '|' .. text(now) .. '|' .. ARGV[6])
fact(KEYS[2], now, 'family_joined', ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4], 'members=' .. (members + 1))
return 'in'
