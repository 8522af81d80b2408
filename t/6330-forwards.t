#!/usr/bin/perl
# An agent forwards a customer's mail: whose matter is it?
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Intake;

my $desk = Luukku::Test::Intake->start;
my @about = (to => 'tuki@example.fi', mailbox => 'tuki', from => 'Aino Aalto <aino@example.fi>');

# A forward by Outlook of the mail that WRITER sent.
sub forward {
	my ($writer, %m) = @_;
	return (@about, subject => 'VL: Tulostin ei toimi', body => join("\r\n", 'Hoidetaan.', '', '_' x 32,
		"Lähettäjä: $writer", 'Lähetetty: maanantai 23. marraskuuta 2026 9.05', 'Vastaanottaja: Aino Aalto',
		'Aihe: Tulostin ei toimi', '', 'Tulostin on rikki.', ''), %m);
}

# For whom the desk takes it to be; the mail waits for its writer's word, like any command without proof.
sub for_whom {
	my ($took) = @_;
	my ($words) = $desk->row("SELECT substring(words FROM '^#for ([^\n]*)') FROM held_command WHERE message_id = $took->{message}");
	return $words // 'nobody';
}

my $whole = $desk->take(forward('Maija Meikäläinen <maija@example.org>'));
is(for_whom($whole), 'maija@example.org', 'a forward is read as if #for stood there');
my $of_colleague = $desk->take(forward('Bo Berg <bo@example.fi>'));
is(for_whom($of_colleague), 'nobody', 'a colleague is no customer');
my $by_customer = $desk->take(forward('Liisa <liisa@example.org>', from => 'pekka@example.org'));
is(for_whom($by_customer), 'nobody', 'who is no agent forwards in their own name');
my $reply = $desk->take(forward('Liisa <liisa@example.org>', subject => 'VS: Tulostin'));
is(for_whom($reply), 'nobody', 'an answer is no forward');

my $nobody = $desk->take(forward('Virtanen Ville'));
is($nobody->{new}, 1, 'a name that nobody has: a ticket of the agent\'s');
is(($desk->row("SELECT recipient FROM outbox WHERE template = 'ask-customer' AND ticket_id = $nobody->{ticket}"))[0],
	'aino@example.fi', '... who is asked');
ok((grep { /^customer_unknown: / } $desk->events($nobody->{ticket})), '... with the reason');
$desk->take(from => 'Ville Virtanen <ville@example.org>', to => 'tuki@example.fi', mailbox => 'tuki', subject => 'Muuta');
my $known = $desk->take(forward('Virtanen Ville'));
is(for_whom($known), 'ville@example.org', 'a name that one person has');
$desk->take(from => 'Ville Virtanen <ville2@example.org>', to => 'tuki@example.fi', mailbox => 'tuki', subject => 'Muuta taas');
my $two = $desk->take(forward('Virtanen, Ville'));
is(for_whom($two), 'nobody', 'a name that two have is asked for');

my $attached = $desk->take(@about, subject => 'Tulostin', headers => ['Content-Type: multipart/mixed; boundary=b'],
	body => join("\r\n", '--b', 'Content-Type: text/plain; charset=utf-8', '', 'Liitteenä.', '--b', 'Content-Type: message/rfc822', '',
		'From: Maija <maija@example.org>', 'Subject: Tulostin', 'Date: Fri, 27 Mar 2026 08:00:00 +0000', '', 'Rikki.', '--b--', ''));
is(for_whom($attached), 'maija@example.org', 'an attached mail names its writer too');

done_testing;
