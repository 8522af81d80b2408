#!/usr/bin/perl
# The survey's page in a real browser, without scripts: by keyboard alone, 320 pixels wide, dark, in three
# languages, and what axe-core says of it. With LUUKKU_PICTURES=DIR it leaves pictures there.

use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(spew temp_dir wait_until);
use Luukku::Test::Browser;
use Luukku::Test::Axe;
use Luukku::Test::Desk qw(mail);
use Luukku::Test::Web;
use Test::More;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my %port = Luukku::Test::Web::ports();
my $desk = Luukku::Test::Desk->start(
	queues => <<'CONF',
  { name = "ict"; title = { fi = "ICT-palvelupiste"; sv = "ICT-stöd"; en = "ICT service desk"; }; addresses = ( "ict@example.fi" );
    agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" ); acknowledge = false; notify = "none"; mass: { people = 0; };
    survey: { send = "resolved"; delay = "0s"; every = "0s"; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); }
CONF
	extra => Luukku::Test::Web::conf(%port));
my $db = $desk->db;
my @people = qw(maija pekka liisa olli);
$desk->deliver('ict', mail(from => "$_ <$_\@asiakas.example>", subject => "Osaston 4 tulostin ei tulosta potilaslistoja ($_)")) for @people;
is($desk->once->{status}, 0, 'four mails');
my $dir = temp_dir();
spew("$dir/text", "Valmis.\n");
is($desk->ctl('do', $_, 'resolve', '--as', 'aino@example.fi', '--text', "$dir/text")->{status}, 0, "$_ is resolved")
	for map { "TUKI-$_->[0]" } $db->sql('SELECT id FROM ticket ORDER BY id');
is($desk->once->{status}, 0, 'and asked about');
my %token = map { $_->{rcpt}[0] =~ /^(\w+)\@asiakas/ && Luukku::Test::Web::token($_->{data}) ? ($1 => Luukku::Test::Web::token($_->{data})) : () }
	$desk->smtp->mails;
is(scalar keys %token, 4, 'four links');
my $web = Luukku::Test::Web->start(desk => $desk, %port);
my $site = "http://127.0.0.1:$port{public}";
sub answer_of {
	my ($who) = @_;
	my ($row) = $db->sql("SELECT coalesce(outcome, 'none'), coalesce(score::text, '-'), coalesce(comment, '-') FROM survey s
		JOIN person p ON p.id = s.person_id WHERE p.address = '$who\@asiakas.example'");
	my $text = join ' | ', @$row;
	utf8::decode($text);
	return $text;
}

my $browser = Luukku::Test::Browser->start;
my $page = $browser->page(width => 1024, height => 800);
$page->scripts(0);
my $pictures = $ENV{LUUKKU_PICTURES};
my %looked;

sub picture {
	my ($name) = @_;
	$page->screenshot("$pictures/survey-$name.png", full => 1) if $pictures;
	return;
}

# What holds of each page, in each of the views.
sub look {
	my ($name) = @_;
	$page->scripts(1);    # axe-core's own
	for my $width (320, 1024) {
		for my $dark (0, 1) {
			$page->view(width => $width, height => $width == 320 ? 640 : 800, dark => $dark);
			my $view = "$name, $width px, " . ($dark ? 'dark' : 'light');
			my @wrong = Luukku::Test::Axe::violations($page);
			is(join("\n", @wrong), '', "$view: axe-core finds nothing");
			is($page->eval('document.documentElement.scrollWidth <= window.innerWidth'), 1, "$view: nothing to scroll sideways");
			$looked{$view} = @wrong;
			picture("$name-$width-" . ($dark ? 'dark' : 'light'));
		}
	}
	my ($light, $dark) = map {
		$page->view(width => 1024, height => 800, dark => $_);
		$page->eval("getComputedStyle(document.querySelector('main')).backgroundColor");
	} 0, 1;
	isnt($light, $dark, "$name: dark is dark");
	$page->view(width => 1024, height => 800, dark => 0);
	ok($page->eval('document.documentElement.lang'), "$name: has a language");
	is($page->eval("document.querySelectorAll('h1').length"), 1, "$name: one first heading");
	is(join("\n", grep { !/status of (?:4\d\d|503)/ } $page->problems), '', "$name: nothing refused, no error");
	$page->scripts(0);
	return;
}

sub focused { return $page->eval('document.activeElement.id || document.activeElement.tagName.toLowerCase()') }
# Is what has the focus shown as having it?
sub is_marked {
	return $page->eval(<<'JS');
(() => { const e = document.activeElement; return [e, e.closest('.choice')].some(x => x && getComputedStyle(x).outlineStyle !== 'none'
	&& parseFloat(getComputedStyle(x).outlineWidth) >= 2) })()
JS
}

# --- each page in each language --------------------------------------------------------------------
for my $lang (qw(fi sv en)) {
	$page->open_served("$site/s/$token{maija}?lang=$lang");
	is($page->eval('document.documentElement.lang'), $lang, "in $lang");
	look("form-$lang");
	$page->click('#yes');
	look("yes-$lang");
}
my @elsewhere = grep { !m{^\Q$site\E/(?:s/|favicon\.ico)} } map { $_->{url} } $page->requests;
is("@elsewhere", '', 'nothing is loaded from elsewhere');

# --- by keyboard alone -----------------------------------------------------------------------------
$page->view(width => 320, height => 640, dark => 0);
$page->open_served("$site/s/$token{maija}");
my @order;
$page->press('Tab');
push @order, focused();
is(focused(), 'yes', 'the first stop is the question');
ok(is_marked(), 'and is seen to be');
is($page->eval("document.querySelector('.scores').offsetParent === null"), 1, 'no scores before it is answered');
$page->press('Space');
is($page->eval("document.querySelector('.scores').offsetParent !== null"), 1, 'scores after yes');
is($page->eval("document.querySelector('#yes').checked"), 1, 'the space bar answers yes');
$page->press('Tab');
push @order, focused();
is(focused(), 'score-0', 'then the scores');
ok(is_marked(), 'seen to be');
$page->press('ArrowRight') for 1 .. 9;
is($page->eval("document.querySelector('[name=score]:checked').value"), '9', 'arrows choose one');
picture('keyboard-score');
$page->press('Tab');
push @order, focused();
is(focused(), 'comment', 'then the comment');
ok(is_marked(), 'seen to be');
$page->type('Hyvin hoidettu');
$page->press('Tab');
push @order, focused();
is(focused(), 'button', 'then the button');
ok(is_marked(), 'seen to be');
picture('keyboard-button');
$page->press('Enter');
$page->wait("document.title.startsWith('Kiitos')");
is(answer_of('maija'), 'score | 9 | Hyvin hoidettu', 'answered without a mouse and without a script');
note 'stops of the Tab key: ' . join ' -> ', @order;
look('thanks');

# "No" takes the scores away, from the keyboard's way as well.
$page->open_served("$site/s/$token{pekka}");
$page->press('Tab', 'Space', 'ArrowDown');
is($page->eval("document.querySelector('#no').checked"), 1, 'no, by keyboard');
is($page->eval("getComputedStyle(document.querySelector('.scores')).display === 'none' || document.querySelector('.scores').offsetParent === null"), 1,
	'no scores after no');
picture('no-320-light');
$page->press('Tab');
is(focused(), 'comment', 'the next stop is the comment');
$page->type('Ei toimi');
$page->press('Tab', 'Enter');
$page->wait("document.title.startsWith('Avasimme')");
is(answer_of('pekka'), 'no | - | Ei toimi', 'not in order');
look('reopened');

# --- errors ----------------------------------------------------------------------------------------
$page->open_served("$site/s/$token{liisa}");
$page->eval("document.querySelector('#comment').focus()");
$page->type('Unohdin valita');
$page->press('Tab', 'Enter');
$page->wait("document.title.startsWith('Virhe')");
is($page->eval("document.querySelector('[role=alert] a').getAttribute('href')"), '#yes', 'the error leads to its field');
is($page->eval("document.getElementById(document.querySelector('fieldset').getAttribute('aria-describedby')).textContent"), 'Valitse kyllä tai ei',
	'which is described by it');
is($page->eval("document.querySelector('#comment').value"), 'Unohdin valita', 'nothing that was written is lost');
look('error');
$page->press('Tab');
is(focused(), 'a', 'the first stop is the error');
$page->press('Enter');
is(focused(), 'yes', 'the link of the error leads there by keyboard');
is(answer_of('liisa'), 'none | - | -', 'nothing was recorded');

# --- the database goes away while somebody writes ----------------------------------------------------
$page->open_served("$site/s/$token{liisa}");
$page->click('#yes');
$page->click('#score-8');
$page->eval("document.querySelector('#comment').focus()");
$page->type('Hyvin "hoidettu" & nopeasti');
my $name = $db->sql('SELECT current_database()');
$db->sql($_) for qq{ALTER DATABASE "$name" CONNECTION LIMIT 0},
	"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$name' AND application_name = 'luukku-web'";
$page->click('button');
$page->wait("document.title.startsWith('Sivu ei toimi')");
look('away');
$db->sql(qq{ALTER DATABASE "$name" CONNECTION LIMIT -1});
wait_until('luukku-web to be back', sub { $web->internal->get('/readyz')->{status} == 200 });
$page->press('Tab');
is(focused(), 'button', 'the first stop sends it once more');
$page->press('Enter');
$page->wait("document.title.startsWith('Kiitos')");
is(answer_of('liisa'), 'score | 8 | Hyvin "hoidettu" & nopeasti', 'what was written is not lost');

# --- late, unknown ---------------------------------------------------------------------------------
$db->sql("UPDATE survey SET outcome = 'yes', answered_at = now() - interval '8 days', changed_at = now() - interval '8 days'
	WHERE person_id = (SELECT id FROM person WHERE address = 'olli\@asiakas.example')");
$page->open_served("$site/s/$token{olli}");
look('late');
$page->open_served("$site/s/unknown");
look('unknown');

# --- large type, other colours ---------------------------------------------------------------------
$page->view(width => 320, height => 640, dark => 0);
$page->open_served("$site/s/$token{liisa}");
$page->eval("document.documentElement.style.fontSize = '200%'");
is($page->eval('document.documentElement.scrollWidth <= window.innerWidth'), 1, 'type of twice the size fits 320 pixels');
picture('large-type');
my $small = $page->eval(<<'JS');
[...document.querySelectorAll('.choice, button, textarea, footer a')].filter(e => e.offsetParent && e.getBoundingClientRect().height < 24).map(e => e.outerHTML)
JS
is("@$small", '', 'each target is large enough to hit');

note scalar(keys %looked), ' views looked at by axe-core ', $pictures ? "(pictures in $pictures)" : '';
$page->close;
$browser->stop;
$web->stop;
done_testing;
