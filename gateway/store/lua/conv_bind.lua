--[[ conv_bind: a conversation becomes live with an agent who has a slot reserved for it: the one way into a live state from
another.

One step, so that of all who would give, take, accept or bring it back one wins. A reservation older than a few seconds is refused:
it may be swept while we look. Run twice it knows its own token. The epoch rises when the owner changes and only then.

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo  7 dr:V (list)
ARGV  1 offset (ms)  2 V  3 agent  4 epoch seen  5 digest ('' no command: nothing is kept under ik)  6 keep the answer (ms)
      7 given | returning | taken  8 token  9 reserved at (ms; '' not reserved)  10 why not, where it is not
      11 reservation is good for (ms)  12 decision ('' none)  13 keep decisions (ms)  14 how many of them
RETURNS as conv_take; refused with owner_changed, resolved, moved, late, or what stands in 10
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = ARGV[5] ~= '' and answered(KEYS[3], ARGV[5], conv)
if first then return first end
if conv.bt == ARGV[8] then return {'again', conv.rev, conv.ep, '', ''} end
if conv.st == 'resolved' then return refused('resolved', conv) end
local how, agent = ARGV[7], ARGV[3]
if how == 'returning' then
  if conv.o ~= agent or conv.ep ~= ARGV[4] then return refused('owner_changed', conv) end
  if conv.st ~= 'waiting' and conv.st ~= 'parked' then return refused('moved', conv) end
else
  if conv.o ~= '' or conv.ep ~= ARGV[4] then return refused('owner_changed', conv) end
  if conv.st ~= 'queued' and (how ~= 'taken' or conv.st ~= 'automated') then return refused('moved', conv) end
end
if ARGV[9] == '' then return refused(ARGV[10], conv) end
local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1]) - tonumber(ARGV[9]) > tonumber(ARGV[11]) then
  return refused('late', conv)
end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local changes = {st = how == 'given' and 'assigned' or 'active', bt = ARGV[8], rt = '', pu = '', stk = '', stu = ''}
if how ~= 'returning' then
  changes.o, changes.own, changes.oat, changes.ep = agent, agent, text(now), text(tonumber(conv.ep) + 1)
end
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, changes)
if ARGV[12] ~= '' then
  redis.call('LPUSH', KEYS[7], ARGV[12])
  redis.call('LTRIM', KEYS[7], 0, tonumber(ARGV[14]) - 1)
  redis.call('PEXPIRE', KEYS[7], ARGV[13])
end
local since = (conv.qe or '') ~= '' and conv.qe or conv.w
local wait = since ~= '' and text(math.max(0, now - tonumber(since))) or ''
fact(KEYS[4], now, how == 'returning' and 'returned' or 'assigned', ARGV[2] .. ' ' .. conv.c,
  'agent=' .. agent .. ' epoch=' .. conv.ep .. ' how=' .. (how == 'taken' and 'take' or how) .. ' wait=' .. wait)
if ARGV[5] == '' then return {'done', conv.rev, conv.ep, '', ''} end
return answer(KEYS[3], ARGV[5], ARGV[6], conv, '', '')
